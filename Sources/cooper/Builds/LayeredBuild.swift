import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import ImageBuild
import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

/// Makes the image that a spec describes, as far as it can be made before somebody reads its layers.
struct LayeredBuild {
  let spec: LayeredSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions

  private var storeDirectory: String {
    ProcessEnvironment.current["NIX_STORE_DIR"] ?? StorePath.defaultStoreDirectory
  }

  func image() async throws -> LayeredImage {
    spec.warnings.forEach(warn)
    try refuseWhatIsMissing()
    let base = try await baseImage()
    let rules = PermissionRules(spec.permissions)
    var contents = try LayeredContents(spec, storeDirectory: storeDirectory, root: store.root)
    let links = try await contents.hasDirectories ? base?.directoryLinks() : nil
    if let links { try contents.place(behind: links) }
    contents.conflicts.forEach { warn($0.description) }
    let customisation = try await customisation(&contents, rules: rules)
    var image = LayeredImage(
      parts: base?.parts ?? [], architecture: spec.architecture, config: .object(config(on: base)),
      created: spec.created, modified: spec.modified, repoTag: "")
    image.variant = spec.variant
    image.preamble = base == nil ? "No 'fromImage' provided" : nil
    let mentioned = mentioned()
    let wanted = spec.includeStorePaths ? contents.references + mentioned : []
    let plan = try plan(
      try await closure(of: wanted), contents, mentioned, customisation,
      baseLayers: image.parts.count + contents.plainDirectories.count)
    for layer in plan.layers {
      image.append(
        try StoreLayer(
          paths: layer.map(\.description), storeDirectory: storeDirectory, owner: spec.owner,
          modificationTime: spec.modified.seconds, root: store.root))
    }
    // The first item wins, so its layer is on top.
    for directory in contents.plainDirectories.reversed() {
      image.append(
        DirectoryLayer(
          directory, owner: spec.owner, modificationTime: spec.modified.seconds, rules: rules,
          links: links ?? DirectoryLinks()))
    }
    image.append(customisation: customisation)
    image.repoTag = "\(spec.imageName):\(try await tag(of: image, plan: plan))"
    return image
  }

  /// What the spec may say and this version does not do.
  private func refuseWhatIsMissing() throws {
    if spec.permissions.contains(where: { !$0.attributes.isEmpty }) {
      throw UsageError("“permissions” has “xattrs”, which are not there yet")
    }
    guard spec.executor == .auto || spec.executor == .namespace else {
      throw UsageError("“executor” is “\(spec.executor)”, which is not there yet; leave it out")
    }
  }

  private func config(on base: BaseImage?) -> JSONObject {
    base?.inherit(by: spec.runtimeConfig, everything: spec.inheritance == .all) ?? spec.runtimeConfig
  }

  private func warn(_ text: String) {
    if !messages.quiet { Console.error("cooper: warning: \(text)") }
  }

  // MARK: Base

  private func baseImage() async throws -> BaseImage? {
    guard let location = spec.base else { return nil }
    var text = location.resolved { access($0.string, F_OK) == 0 }
    if let name = spec.baseName {
      guard !text.hasPrefix("docker://"), !text.contains("@") else {
        throw UsageError("“fromImageName” chooses an image of an archive, and “fromImage” is \(text)")
      }
      text = Self.archive(text, choosing: "\(name):\(spec.baseTag ?? "latest")")
    }
    let opened = try await OpenedImage(
      text, registry: registry, progress: messages, cache: BlobCache(.current))
    let platform = PlatformRequest(os: "linux", architecture: spec.architecture, variant: spec.variant)
    return try await BaseImage(opened.image(for: platform), name: text)
  }

  /// The image of that name in an archive.
  private static func archive(_ location: String, choosing name: String) -> String {
    location.hasPrefix("docker-archive:") ? "\(location):\(name)" : "docker-archive:\(location):\(name)"
  }

  // MARK: Store paths

  private var references: StoreReferences { StoreReferences(storeDirectory: storeDirectory) }

  private var storeRoot: FilePath { FilePath(store.root.isEmpty ? "/" : store.root) }

  private func exists(_ path: StorePath) -> Bool { access(path.location(below: storeRoot).string, F_OK) == 0 }

  /// The store paths that the configuration speaks of.
  private func mentioned() -> [StorePath] {
    references.find(in: JSONValue.object(spec.runtimeConfig).serialized(), exists: exists)
  }

  /// The closure of these paths, whether the image has them or not.
  private func closure(of paths: [StorePath]) async throws -> Closure {
    let roots = Set(paths).sorted()
    guard let first = roots.first else { return try Closure([]) }
    if let file = spec.closure {
      return try Closure(parsing: UserFile.contents(of: file.string)).closure(of: roots)
    }
    guard let program = NixStoreProgram(searching: ProcessEnvironment.current["PATH"] ?? "") else {
      throw UsageError(
        "the image needs the closure of \(first), and there is no nix-store to ask; give “closure” a file with its reference graph"
      )
    }
    return try await program.closure(of: roots)
  }

  /// Layers as nixpkgs makes them.
  ///
  /// There the configuration and the customisation layer are store paths too, which count when popularity is counted.
  private func plan(
    _ closure: Closure, _ contents: LayeredContents, _ mentioned: [StorePath],
    _ customisation: any LayerRecipe, baseLayers: Int
  ) throws -> LayerPlan {
    func own(_ name: String, _ references: [StorePath], byteCount: Int64) throws -> ClosureNode {
      let path = "\(storeDirectory)/\(String(repeating: "0", count: 32))-\(name)"
      return ClosureNode(
        path: try StorePath(parsing: path, storeDirectory: storeDirectory), narHash: nil, narSize: byteCount,
        deriver: nil, references: references.filter { closure[$0] != nil })
    }
    let nodes = [
      try own("base.json", mentioned, byteCount: 1),
      try own("customisation-layer", contents.references, byteCount: customisation.byteCount()),
    ]
    let plan = try LayerPlan.make(
      try Closure(closure.nodes + nodes), layering: Layering(spec.layering), maxLayers: spec.maxLayers,
      baseLayers: baseLayers, ignoring: Set(nodes.map(\.path)))
    if let warning = plan.warning { warn(warning.description) }
    return plan
  }

  // MARK: Customisation

  /// The last layer; what its scripts write may speak of further store paths.
  private func customisation(
    _ contents: inout LayeredContents, rules: PermissionRules
  ) async throws -> any LayerRecipe {
    var tree = contents.tree
    if spec.includeNixDB { try await addDatabase(of: contents.references, to: &tree) }
    let scripts = CustomisationScripts(
      spec: spec, storeDirectory: storeDirectory, storeRoot: store.root)
    if scripts.isEmpty { return TreeLayer(tree, rules: rules) }
    let layer = try await scripts.run(in: tree, rules: rules)
    let found = try await Thread.run { [references] in
      try references.find(in: layer.open(), exists: { _ in true })
    }
    contents.references = Set(contents.references + found.filter(exists)).sorted()
    return layer
  }

  private func addDatabase(of roots: [StorePath], to tree: inout FileTree) async throws {
    let closure = try await closure(of: roots).measured(below: storeRoot)
    for member in try NixDatabase(closure, roots: roots).members {
      switch member.content {
      case .file(let bytes): tree.put(.file(bytes, mode: 0o644), at: member.path)
      case .symlink(let target): tree.put(.link(target: Array(target.utf8), source: nil), at: member.path)
      }
    }
  }

  // MARK: Tag

  /// The tag of the spec, or one that follows from everything that the image is made of.
  private func tag(of image: LayeredImage, plan: LayerPlan) async throws -> String {
    if let tag = spec.tag { return tag }
    let layers = plan.layers.map { $0.map(\.description).joined(separator: " ") }.joined(separator: "\n")
    var inputs = [Digest(of: Array(layers.utf8))] + image.parts.compactMap(\.promised)
    let measured = image.parts.filter { $0.promised == nil && !($0.recipe is StoreLayer) }
    inputs += try await Thread.run { try measured.compactMap { try $0.recipe?.measure().diffID } }
    return spec.defaultTag(inputs: inputs, storeDirectory: storeDirectory)
  }
}

extension Layering {
  init(_ layering: LayeredSpec.Layering) {
    switch layering {
    case .popularity: self = .popularity
    case .auto: self = .auto
    case .explicit(let layers): self = .explicit(layers)
    }
  }
}
