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
    let base = try await baseImage()
    let contents = try LayeredContents(spec, storeDirectory: storeDirectory, root: store.root)
    contents.conflicts.forEach { warn($0.description) }
    let config =
      base?.inherit(by: spec.runtimeConfig, everything: spec.inheritance == .all) ?? spec.runtimeConfig
    let closure = try await closure(of: contents)
    var image = LayeredImage(
      parts: base?.parts ?? [], architecture: spec.architecture, config: .object(config),
      created: spec.created,
      modified: spec.modified, repoTag: "")
    image.variant = spec.variant
    image.preamble = base == nil ? "No 'fromImage' provided" : nil
    let plan = try await plan(
      closure, contents, baseLayers: image.parts.count + contents.plainDirectories.count)
    for layer in plan.layers {
      image.append(
        try StoreLayer(
          paths: layer.map(\.description), storeDirectory: storeDirectory, owner: spec.owner,
          modificationTime: spec.modified.seconds, root: store.root))
    }
    let rules = PermissionRules(spec.permissions)
    // The first item wins, so its layer is on top.
    for directory in contents.plainDirectories.reversed() {
      image.append(
        DirectoryLayer(
          directory, owner: spec.owner, modificationTime: spec.modified.seconds, rules: rules))
    }
    image.append(customisation: try await customisation(contents, rules: rules))
    image.repoTag = "\(spec.imageName):\(try await tag(of: image, plan: plan))"
    return image
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

  /// The closure of everything that the image mentions; empty when it takes no store paths.
  private func closure(of contents: LayeredContents) async throws -> Closure {
    let graph = try spec.closure.map { try Closure(parsing: UserFile.contents(of: $0.string)) }
    let root = store.root
    let references = StoreReferences(storeDirectory: storeDirectory)
    let mentioned = references.find(in: JSONValue.object(spec.runtimeConfig).serialized()) { path in
      graph?[path] != nil
        || access(path.location(below: FilePath(root.isEmpty ? "/" : root)).string, F_OK) == 0
    }
    let roots = Set(contents.references + mentioned).sorted()
    guard spec.includeStorePaths || spec.includeNixDB, !roots.isEmpty else { return try Closure([]) }
    if let graph { return try graph.closure(of: roots) }
    guard let program = NixStoreProgram(searching: ProcessEnvironment.current["PATH"] ?? "") else {
      throw UsageError(
        "the image needs the closure of \(roots[0]), and there is no nix-store to ask; give “closure” a file with its reference graph"
      )
    }
    return try await program.closure(of: roots)
  }

  /// Layers as nixpkgs makes them: there the configuration and the customisation layer are store paths too, which count when popularity is
  /// counted.
  private func plan(
    _ closure: Closure, _ contents: LayeredContents, baseLayers: Int
  ) async throws -> LayerPlan {
    guard spec.includeStorePaths else {
      return try LayerPlan.make(try Closure([]), maxLayers: spec.maxLayers, baseLayers: baseLayers)
    }
    func own(_ name: String, _ references: [StorePath], byteCount: Int64) throws -> ClosureNode {
      let path = "\(storeDirectory)/\(String(repeating: "0", count: 32))-\(name)"
      return ClosureNode(
        path: try StorePath(parsing: path, storeDirectory: storeDirectory), narHash: nil, narSize: byteCount,
        deriver: nil, references: references)
    }
    let known = StoreReferences(storeDirectory: storeDirectory)
    let config = JSONValue.object(spec.runtimeConfig).serialized()
    let nodes = [
      try own(
        "base.json", known.find(in: config) { closure[$0] != nil }.filter { closure[$0] != nil },
        byteCount: Int64(config.count)),
      try own(
        "customisation-layer", contents.references.filter { closure[$0] != nil },
        byteCount: TreeLayer(contents.tree).byteCount()),
    ]
    let plan = try LayerPlan.make(
      try Closure(closure.nodes + nodes), layering: Layering(spec.layering), maxLayers: spec.maxLayers,
      baseLayers: baseLayers, ignoring: Set(nodes.map(\.path)))
    if let warning = plan.warning { warn(warning.description) }
    return plan
  }

  // MARK: Customisation

  private func customisation(_ contents: LayeredContents, rules: PermissionRules) async throws
    -> any LayerRecipe
  {
    var tree = contents.tree
    if spec.includeNixDB {
      let roots = contents.references
      let closure = try await closure(of: contents).closure(of: roots).measured(
        below: FilePath(store.root.isEmpty ? "/" : store.root))
      for member in try NixDatabase(closure, roots: roots).members {
        switch member.content {
        case .file(let bytes): tree.put(.file(bytes, mode: 0o644), at: member.path)
        case .symlink(let target): tree.put(.link(target: Array(target.utf8), source: nil), at: member.path)
        }
      }
    }
    guard spec.extraCommands.isEmpty, spec.fakeRootCommands.isEmpty else {
      throw UsageError("“extraCommands” and “fakeRootCommands” cannot be run by this version")
    }
    return TreeLayer(tree, rules: rules)
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
