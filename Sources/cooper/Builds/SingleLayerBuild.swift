import ArchiveIO
import Hashing
import ImageArchive
import ImageBuild
import NixStore
import OrderedJSON
import SystemPackage

/// Makes an image with one layer on top of its base (nix-dockertools.md, section 5), as far as it can be made before somebody reads that layer.
struct SingleLayerBuild {
  let spec: ImageSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions

  private var surroundings: SpecBuild {
    SpecBuild(spec: spec.common, store: store, registry: registry, messages: messages)
  }

  private var storeDirectory: String { surroundings.storeDirectory }

  func image() async throws -> LayeredImage {
    try surroundings.check()
    guard spec.runAsRoot == nil else {
      throw UsageError(
        "“runAsRoot” is not there yet; “extraCommands” change the layer without being root, and “permissions” say whose files are"
      )
    }
    let base = try await surroundings.baseImage()
    let layer = try await layer(on: base)
    var image = LayeredImage(
      parts: base?.parts ?? [], architecture: spec.architecture,
      config: .object(surroundings.config(on: base)), created: spec.created,
      modified: DateText(seconds: TreePacking.time), repoTag: "")
    image.variant = spec.variant
    let own = spec.arguments["config"].map { $0.isNull ? .null : JSONValue.object(spec.runtimeConfig) }
    image.append(single: layer, ownConfig: own ?? .null, created: spec.createdText)
    let tag = try await tag(of: &image)
    image.repoTag = "\(spec.imageName):\(tag)"
    return image
  }

  // MARK: Layer

  private func layer(on base: BaseImage?) async throws -> ImageLayer {
    var contents = try CopiedContents(spec, storeDirectory: storeDirectory, root: store.root)
    let isNeeded = contents.hasDirectories || !spec.removed.isEmpty
    var view = try await isNeeded ? base?.view() : nil
    if let view { try contents.place(behind: DirectoryLinks(view)) }
    contents.conflicts.forEach { surroundings.warn($0.description) }
    if spec.includeNixDB {
      try await surroundings.addDatabase(of: contents.storePaths, to: &contents.tree)
    }
    let packed = try await pack(contents.tree)
    let whiteouts = try Whiteout.hiding(spec.removed, of: view ?? FileSystemView(), layer: packed.isDirectory)
    let wanted = try await references(of: packed.layer)
    let closure = try await surroundings.closure(of: wanted)
    if view == nil, !closure.nodes.isEmpty { view = try await base?.view() }
    let files = StoreFiles(
      closure.nodes.map(\.path.description), storeDirectory: storeDirectory, root: store.root,
      base: view ?? FileSystemView(), contents: { packed.isDirectory($0) != nil })
    return switch packed {
    case .memory(_, let layer): ImageLayer(layer, whiteouts, files)
    case .disk(_, let layer): ImageLayer(layer, whiteouts, files)
    }
  }

  /// The contents, changed by scripts where there are any.
  private enum Packed {
    case memory(FileTree, TreeLayer)
    case disk(ScratchTree, ScratchLayer)

    var layer: any LayerRecipe {
      switch self {
      case .memory(_, let layer): layer
      case .disk(_, let layer): layer
      }
    }

    /// What is at a path: nil for nothing.
    var isDirectory: @Sendable ([UInt8]) -> Bool? {
      switch self {
      case .memory(let tree, _):
        { path in
          tree[path].map { if case .directory = $0 { true } else { false } }
        }
      case .disk(let tree, _): { path in tree.isDirectory(path) }
      }
    }
  }

  private func pack(_ tree: FileTree) async throws -> Packed {
    let packing = TreePacking.image(uid: spec.owner.uid, gid: spec.owner.gid)
    let rules = PermissionRules(spec.permissions)
    let scripts = CustomisationScripts(spec, storeDirectory: storeDirectory, storeRoot: store.root)
    if scripts.isEmpty { return .memory(tree, TreeLayer(tree, packing: packing, rules: rules)) }
    let (scratch, layer) = try await scripts.run(in: tree, packing: packing, rules: rules)
    return .disk(scratch, layer)
  }

  /// The store paths that the layer or the configuration speaks of.
  private func references(of layer: any LayerRecipe) async throws -> [StorePath] {
    let found = try await Thread.run { [references = surroundings.references] in
      try references.find(in: layer.open(), exists: { _ in true })
    }
    return surroundings.mentioned() + found.filter(surroundings.exists)
  }

  // MARK: Tag

  /// The tag of the spec, or one that follows from everything that the image is made of.
  private func tag(of image: inout LayeredImage) async throws -> String {
    if let tag = spec.tag { return tag }
    let layer = try await image.measureLast()
    let inputs = image.parts.dropLast().compactMap(\.promised) + [layer.diffID]
    return spec.defaultTag(inputs: inputs, storeDirectory: storeDirectory)
  }
}
