import ArgumentParser
import ArchiveIO
import ImageBuild
import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

/// Derivations of a layered image, the same ones that nixpkgs has (nix-dockertools.md, section 2.2).
struct NixLayeredSteps {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  /// A directory with the layer of contents and scripts: `layer.tar`, uncompressed, so that Nix sees what it refers to, and `checksum`.
  func customisation() async throws {
    let spec: LayeredSpec = try step.spec(LayeredSpec.init)
    let layer = try await LayeredBuild(
      spec: spec, store: try .ofNix(), registry: try .parse([]), messages: try .parse([])
    ).customisationLayer()
    try LayerDirectory.write(layer, to: step.output)
  }

  /// The file that the stream script reads.
  func configuration() async throws {
    let spec: LayeredSpec = try step.spec(LayeredSpec.init, with: step.defaultTag)
    let (basePath, customisation) = try (step.text("baseJSON"), step.text("customisation"))
    let base = try JSONValue(parsing: UserFile.contents(of: basePath))
    let surroundings = SpecBuild(
      spec: spec.common, store: try .ofNix(), registry: try .parse([]), messages: try .parse([]))
    let closure = try step.closure()
    let own = try [basePath, customisation].map {
      try StorePath(parsing: $0, storeDirectory: surroundings.storeDirectory)
    }
    let plan = try LayerPlan.make(
      closure, layering: Layering(spec.layering), maxLayers: spec.maxLayers,
      baseLayers: try await surroundings.baseImage()?.parts.count ?? 0, ignoring: Set(own))
    if let warning = plan.warning { surroundings.warn(warning.description) }
    let document: JSONObject = [
      "architecture": base["architecture"] ?? .string(spec.architecture), "config": base["config"] ?? .null,
      "os": "linux", "store_dir": .string(surroundings.storeDirectory),
      "from_image": step.attributes["spec"]?["fromImage"] ?? .null,
      "store_layers": .array(plan.layers.map { .array($0.map { .string($0.description) }) }),
      "customisation_layer": .string(customisation),
      "repo_tag": .string("\(spec.imageName):\(spec.tag ?? step.outputHash)"),
      "created": .string(date("created", spec.created)), "mtime": .string(date("mtime", spec.modified)),
      "uid": .string("\(spec.owner.uid)"), "gid": .string("\(spec.owner.gid)"),
      "uname": .string(spec.owner.userName), "gname": .string(spec.owner.groupName),
    ]
    try FileOutput.write(JSONValue.object(document).serialized(.indented(by: 2)) + [10], to: step.output)
  }

  /// “now” is when the image is streamed.
  private func date(_ name: String, _ date: DateText) -> String {
    step.attributes["spec"]?[name] == "now" ? "now" : date.text
  }

  /// An executable that streams the image: a line that names the program, and what is to be streamed below it.
  func script() throws {
    let line = "#!\(try step.text("program")) \(Stream.configuration.commandName ?? "stream")\n"
    guard line.utf8.count <= 255 else {
      throw UsageError(
        "the script's first line has \(line.utf8.count) bytes, and Linux reads 255: the store's directory has too long a name"
      )
    }
    let conf = try FileRange(whole: DirectFile(reading: FilePath(step.text("conf"))))
    try FileOutput.write(Array(line.utf8) + conf.readAll(limit: 256 << 20), to: step.output, mode: 0o755)
  }

  /// What that script writes, compressed.
  func image() async throws {
    var image = try await BuildFile.streamed(step.text("conf"), store: .ofNix(), repoTag: nil)
    image.disownCustomisation()
    var job = LayeredImageJob(store: try .ofNix(), messages: try .parse([]))
    job.compressor = try LayerEncoding(option: step.text("compressor"))
    try await job.write(image, to: .files(.dockerArchive(step.output, name: nil)))
  }
}

extension StoreOptions {
  /// The store of a build: nothing in front of it, and nothing is remembered.
  static func ofNix() throws -> StoreOptions { try parse(["--no-layer-cache", "--store-root", "/"]) }
}
