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
struct LayeredBuild: SpecBuilder {
  let spec: LayeredSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions
  var settings = ScriptSettings()
  /// What the image has besides.
  var additions = LayeredAdditions()

  func image() async throws -> LayeredImage {
    surroundings.check()
    var base = try await surroundings.baseImage()
    let rules = PermissionRules(spec.permissions)
    var (contents, links) = try await contents(on: &base)
    let customisation = try await customisation(&contents, rules: rules)
    var image = LayeredImage(
      parts: base?.parts ?? [], architecture: spec.architecture,
      config: .object(surroundings.config(on: base)),
      created: spec.created, modified: spec.modified, repoTag: "")
    image.variant = spec.variant
    image.preamble = base == nil ? "No 'fromImage' provided" : nil
    let mentioned = additions.mentioned ?? surroundings.mentioned()
    let wanted = spec.includeStorePaths ? contents.references + mentioned : []
    let closure =
      if let closure = additions.closure { closure } else { try await surroundings.closure(of: wanted) }
    let plan = try plan(
      closure, contents, mentioned, customisation,
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
          links: links))
    }
    image.append(customisation: customisation)
    let tag = try await tag(of: &image, plan: plan)
    image.repoTag = "\(spec.imageName):\(tag)"
    return image
  }

  /// The layer of contents and scripts alone, for an image whose other layers are planned when it is known what that one refers to.
  func customisationLayer() async throws -> any LayerRecipe {
    surroundings.check()
    var base = try await surroundings.baseImage()
    var (contents, _) = try await contents(on: &base)
    return try await customisation(&contents, rules: PermissionRules(spec.permissions))
  }

  /// The contents where the base image has a place for them, and the links that say so.
  private func contents(on base: inout BaseImage?) async throws -> (LayeredContents, DirectoryLinks) {
    var contents = try LayeredContents(
      spec, and: additions.trees, storeDirectory: storeDirectory, root: store.root)
    let view = try await contents.hasDirectories ? base?.view() : nil
    let links = try view.map { try DirectoryLinks($0, storeDirectory: storeDirectory) }
    if let links { try contents.place(behind: links) }
    contents.conflicts.forEach { surroundings.warn($0.description) }
    return (contents, links ?? DirectoryLinks())
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
    if let warning = plan.warning { surroundings.warn(warning.description) }
    return plan
  }

  // MARK: Customisation

  /// The last layer; what its scripts write may speak of further store paths.
  private func customisation(
    _ contents: inout LayeredContents, rules: PermissionRules
  ) async throws -> any LayerRecipe {
    var tree = contents.tree
    if spec.includeNixDB { try await surroundings.addDatabase(of: contents.references, to: &tree) }
    let scripts = CustomisationScripts(
      spec, storeDirectory: storeDirectory, storeRoot: store.root, settings: settings)
    if scripts.isEmpty { return TreeLayer(tree, rules: rules) }
    let layer = try await scripts.run(in: tree, rules: rules).layer
    let found = try await Thread.run { [surroundings] in
      try surroundings.references.find(in: layer.open(), exists: surroundings.exists)
    }
    contents.references = Set(contents.references + found.filter(surroundings.exists)).sorted()
    return layer
  }

  // MARK: Tag

  /// The tag of the spec, or one that follows from everything that the image is made of.
  private func tag(of image: inout LayeredImage, plan: LayerPlan) async throws -> String {
    if let tag = spec.tag { return tag }
    let layers = plan.layers.map { $0.map(\.description).joined(separator: " ") }.joined(separator: "\n")
    var inputs = [Digest(of: Array(layers.utf8))] + image.parts.compactMap(\.promised)
    for index in image.parts.indices {
      let part = image.parts[index]
      guard part.promised == nil, !(part.recipe is StoreLayer), let recipe = part.recipe else { continue }
      let facts = try await Thread.run { try recipe.measure() }
      image.parts[index].facts = facts
      inputs.append(facts.diffID)
    }
    return spec.defaultTag(inputs: inputs, storeDirectory: storeDirectory)
  }
}

/// What a layered image has that its spec cannot say.
struct LayeredAdditions {
  /// Files of the last layer, and what they are called in messages; the spec's contents win.
  var trees: [(name: String, tree: HelperTree)] = []
  /// The store paths that the configuration needs; nil for all that it speaks of.
  var mentioned: [StorePath]?
  /// The closure of those and of the contents, when it is known.
  var closure: Closure?
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
