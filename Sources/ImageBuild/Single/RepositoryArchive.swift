import ArchiveIO
import Hashing
import ImageArchive
import OrderedJSON

/// The archive that nixpkgs' `buildImage` makes: `manifest.json`, `repositories`, and a directory for each layer (nix-dockertools.md, section 5.5).
///
/// Its members are in the order of their names, some of which are digests, so all layers are measured before the first byte is written.
struct RepositoryArchive {
  private let image: LayeredImage
  private let form: SingleLayerForm
  private let memory: LayerMemory?

  init(_ image: LayeredImage, _ form: SingleLayerForm, memory: LayerMemory?) {
    self.image = image
    self.form = form
    self.memory = memory
  }

  /// Writes it; see `LayeredArchiveWriter`.
  func write(
    to output: ArchiveOutput, _ compressor: Compression, _ message: (String) -> Void
  ) throws -> LayeredArchiveWriter.Summary {
    message("Adding layer...")
    let survey = LayerSurvey(image.parts, memory: memory)
    defer { survey.stop() }
    let layers = try image.parts.indices.map { try survey.facts(at: $0) }
    message("Adding meta...")
    let configuration = image.configuration(diffIDs: layers.map(\.diffID))
    let imageID = Digest(of: configuration)
    let entries = try entries(layers, configName: "\(imageID.hex).json", configuration)
    message("Cooking the image...")
    try output.write(compressor.compress(RepositoryEntry.tar(of: entries), .archive))
    message("Finished.")
    return LayeredArchiveWriter.Summary(
      byteCount: try RepositoryEntry.byteCount(of: entries), imageID: imageID, layers: layers)
  }

  // MARK: Contents

  private func entries(
    _ layers: [LayerFacts], configName: String, _ configuration: [UInt8]
  ) throws -> [RepositoryEntry] {
    var entries: [RepositoryEntry] = []
    var places: [Digest: String] = [:]
    var names: [String] = []
    var chain: String?
    for (index, (part, facts)) in zip(image.parts, layers).enumerated() {
      guard let recipe = part.recipe else { throw LayeredImageError.linkedLayer(index + 1) }
      var document =
        index == layers.count - 1
        ? try form.layerDocument(of: image, parent: chain) : baseDocument(facts, parent: chain)
      let id = document["id"]?.string ?? Digest(of: JSONValue.object(document).serialized(.jshon)).hex
      document["id"] = .string(id)
      document["Size"] = .integer(facts.byteCount)
      let isNew = places[facts.diffID] == nil
      let place = places[facts.diffID] ?? "\(id)/layer.tar"
      places[facts.diffID] = place
      names.append(place)
      entries.append(
        RepositoryEntry(
          name: id,
          content: .layer([
            .document("VERSION", Array("1.0".utf8)),
            .document("json", JSONValue.object(document).serialized(.jshon)),
            isNew ? .layer(recipe, facts) : .link(to: "../\(place)"),
          ])))
      chain = id
    }
    entries.append(RepositoryEntry(name: configName, content: .file(configuration)))
    entries.append(RepositoryEntry(name: "manifest.json", content: .file(manifest(configName, names))))
    entries.append(RepositoryEntry(name: "repositories", content: .file(repositories(top: chain ?? ""))))
    return entries
  }

  /// What Docker's first versions want to know of a layer of the base; its ID follows from it and those below.
  private func baseDocument(_ facts: LayerFacts, parent: String?) -> JSONObject {
    let id = parent.map { Digest(of: "\($0) \(facts.diffID.hex)".utf8).hex } ?? facts.diffID.hex
    var document: JSONObject = ["created": .string(form.created)]
    document["parent"] = parent.map { .string($0) }
    document["id"] = .string(id)
    return document
  }

  private func manifest(_ configName: String, _ layerNames: [String]) -> [UInt8] {
    SingleLayerForm.text([
      [
        "RepoTags": [.string(image.repoTag)], "Layers": .array(layerNames.map { .string($0) }),
        "Config": .string(configName),
      ]
    ])
  }

  private func repositories(top: String) -> [UInt8] {
    let parts = image.repoTag.split(separator: ":")
    let name = parts.dropLast().joined(separator: ":")
    let tags: JSONObject = [String(parts.last ?? ""): .string(top)]
    return JSONValue.object([name: .object(tags)]).serialized(.jshon)
  }
}
