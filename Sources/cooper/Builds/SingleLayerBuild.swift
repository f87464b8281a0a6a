import ArchiveIO
import Hashing
import ImageArchive
import ImageBuild
import NixStore
import OrderedJSON
import SystemPackage

/// Makes an image with one layer on top of its base (nix-dockertools.md, section 5), as far as it can be made before somebody reads that layer.
struct SingleLayerBuild: SpecBuilder {
  let spec: ImageSpec
  let store: StoreOptions
  let registry: RegistryOptions
  let messages: OutputOptions
  var settings = ScriptSettings()

  func image() async throws -> LayeredImage {
    surroundings.check()
    var base = try await surroundings.baseImage()
    let layer = try await layer(on: &base)
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

  private func layer(on base: inout BaseImage?) async throws -> ImageLayer {
    var contents = try CopiedContents(spec, storeDirectory: storeDirectory, root: store.root)
    let isNeeded = contents.hasDirectories || !spec.removed.isEmpty || spec.runAsRoot != nil
    var view = try await isNeeded ? base?.view() : nil
    let removed = try Whiteout.places(of: spec.removed, in: view ?? FileSystemView())
    if let view {
      try contents.place(behind: DirectoryLinks(view, without: removed, storeDirectory: storeDirectory))
    }
    contents.conflicts.forEach { surroundings.warn($0.description) }
    if spec.includeNixDB {
      try await surroundings.addDatabase(of: contents.storePaths, to: &contents.tree)
    }
    let packed = try await pack(contents.tree, without: removed, on: base, view ?? FileSystemView())
    let wanted = try await references(of: packed.layer)
    let closure = try await surroundings.closure(of: wanted)
    if view == nil, !closure.nodes.isEmpty { view = try await base?.view() }
    let files = StoreFiles(
      closure.nodes.map(\.path.description), storeDirectory: storeDirectory, root: store.root,
      base: packed.hasBase ? FileSystemView() : view ?? FileSystemView(),
      contents: { packed.isDirectory($0) != nil })
    return ImageLayer(packed.layer, packed.whiteouts, files)
  }

  /// The contents, changed by scripts where there are any.
  private struct Packed {
    let layer: any TarRecipe
    /// What is removed of the base.
    let whiteouts: [Whiteout]
    /// What is at a path: nil for nothing, else whether it is a directory.
    let isDirectory: @Sendable ([UInt8]) -> Bool?
    /// Whether the base was there already when the contents were changed.
    var hasBase = false
  }

  private func pack(
    _ tree: FileTree, without removed: [[UInt8]], on base: BaseImage?, _ view: FileSystemView
  ) async throws -> Packed {
    if let commands = spec.runAsRoot {
      return try await run(commands, in: tree, without: removed, on: base, view)
    }
    let packing = TreePacking.image(uid: spec.owner.uid, gid: spec.owner.gid)
    let rules = PermissionRules(spec.permissions)
    let scripts = CustomisationScripts(
      spec, storeDirectory: storeDirectory, storeRoot: store.root, settings: settings)
    let layer: any TarRecipe
    let isDirectory: @Sendable ([UInt8]) -> Bool?
    if scripts.isEmpty {
      layer = TreeLayer(tree, packing: packing, rules: rules)
      isDirectory = tree.isDirectory
    } else {
      (layer, isDirectory) = try await scripts.run(in: tree, packing: packing, rules: rules)
    }
    let whiteouts = try Whiteout.hiding(removed, of: view, layer: isDirectory)
    return Packed(layer: layer, whiteouts: whiteouts, isDirectory: isDirectory)
  }

  /// Puts the contents on the base's file system, and runs commands there.
  private func run(
    _ commands: String, in tree: FileTree, without removed: [[UInt8]], on base: BaseImage?,
    _ view: FileSystemView
  ) async throws -> Packed {
    let scratch = try ScratchTree(FileTree(), in: ProcessEnvironment.current.temporaryDirectory)
    Interruption.removeAtEnd(scratch.directory)
    let executor = try await settings.executor(
      for: spec.common, asRoot: true,
      machine: MachineSize(memory: spec.memorySize, disk: spec.diskSize))
    let (layer, isDirectory) = try await executor.preparing(in: scratch.directory) { executor in
      let image = try await Thread.run { [owner = spec.owner] in
        try ScriptTree(
          base?.image, view: view, without: removed, adding: tree, owner: owner, at: executor.place, scratch)
      }
      let scripts = CustomisationScripts(
        spec, storeDirectory: storeDirectory, storeRoot: store.root, settings: settings)
      return try await scripts.run(
        asRoot: commands, in: image, at: scratch, by: executor, searching: searchPath(of: base),
        rules: PermissionRules(spec.permissions))
    }
    // Scripts found the base without what the spec removes, so that is among what they removed.
    return Packed(
      layer: layer, whiteouts: layer.whiteouts, isDirectory: isDirectory, hasBase: true)
  }

  /// Where programs of the image are, then those of this machine.
  private func searchPath(of base: BaseImage?) -> String {
    let variables = base?.config["Env"]?.array?.compactMap(\.string) ?? []
    let own = variables.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst("PATH=".count)) }
    let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    let all = [own, usual, ProcessEnvironment.current["PATH"]].compactMap { $0 }
    var seen: Set<Substring> = []
    return all.joined(separator: ":").split(separator: ":").filter { seen.insert($0).inserted }
      .joined(separator: ":")
  }

  /// The store paths that the layer or the configuration speaks of.
  private func references(of layer: any LayerRecipe) async throws -> [StorePath] {
    let found = try await Thread.run { [surroundings] in
      try surroundings.references.find(in: layer.open(), exists: surroundings.exists)
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
