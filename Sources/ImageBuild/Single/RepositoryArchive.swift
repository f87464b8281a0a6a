import ArchiveIO
import Hashing
import ImageArchive
import OrderedJSON

/// The archive that nixpkgs' `buildImage` makes: `manifest.json`, `repositories`, and a directory for each layer (nix-dockertools.md, section 5.5).
///
/// Its members are in the order of their names, some of which are digests, so all layers are measured before the first byte is written.
struct RepositoryArchive {
  private static let dialect = TarDialect.gnu(numericOwner: false)

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
    let stream = TarStream(Members(entries), Self.dialect)
    try output.write(compressor.compress(stream, .archive))
    message("Finished.")
    return LayeredArchiveWriter.Summary(
      byteCount: try Members(entries).byteCount(Self.dialect), imageID: imageID, layers: layers)
  }

  // MARK: Contents

  /// Something in the archive's root.
  private struct Entry {
    var name: String
    var content: Content

    enum Content {
      case file([UInt8])
      case layer([File])
    }
  }

  /// Something in a layer's directory.
  private enum File {
    case document(String, [UInt8])
    case layer(any LayerRecipe, LayerFacts)
    case link(to: String)
  }

  private func entries(
    _ layers: [LayerFacts], configName: String, _ configuration: [UInt8]
  ) throws -> [Entry] {
    var entries: [Entry] = []
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
        Entry(
          name: id,
          content: .layer([
            .document("VERSION", Array("1.0".utf8)),
            .document("json", JSONValue.object(document).serialized(.jshon)),
            isNew ? .layer(recipe, facts) : .link(to: "../\(place)"),
          ])))
      chain = id
    }
    entries.append(Entry(name: configName, content: .file(configuration)))
    entries.append(Entry(name: "manifest.json", content: .file(manifest(configName, names))))
    entries.append(Entry(name: "repositories", content: .file(repositories(top: chain ?? ""))))
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
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

  // MARK: Members

  private final class Members: TarMembers {
    private let entries: [Entry]
    private var members: ArraySlice<() throws -> TarInput> = []
    private var position = -1

    init(_ entries: [Entry]) { self.entries = entries }

    func next() throws -> TarInput? {
      while members.isEmpty {
        guard position < entries.count else { return nil }
        members =
          position < 0
          ? [{ TarInput(header: Self.header("./", .directory)) }] : Self.members(of: entries[position])
        position += 1
      }
      return try members.removeFirst()()
    }

    private static func members(of entry: Entry) -> ArraySlice<() throws -> TarInput> {
      switch entry.content {
      case .file(let bytes): return [{ input(entry.name, bytes) }]
      case .layer(let files):
        let directory = { TarInput(header: header("\(entry.name)/", .directory)) }
        return [directory] + files.map { file in { try input(file, in: entry.name) } }
      }
    }

    private static func input(_ file: File, in directory: String) throws -> TarInput {
      switch file {
      case .document(let name, let bytes): return input("\(directory)/\(name)", bytes)
      case .link(let target):
        var header = header("\(directory)/layer.tar", .symbolicLink)
        header.linkName = Array(target.utf8)
        return TarInput(header: header)
      case .layer(let recipe, let facts):
        var header = header("\(directory)/layer.tar", .regular)
        header.byteCount = facts.byteCount
        return TarInput(header: header, content: .source(LateSource(recipe)))
      }
    }

    private static func input(_ name: String, _ bytes: [UInt8]) -> TarInput {
      var header = header(name, .regular)
      header.byteCount = Int64(bytes.count)
      return TarInput(header: header, content: .bytes(bytes))
    }

    private static func header(_ name: String, _ type: TarType) -> TarHeader {
      let mode: UInt32 =
        switch type {
        case .directory: 0o555
        case .symbolicLink: 0o777
        default: 0o444
        }
      var header = TarHeader(name: Array(name.utf8), type: type, mode: mode)
      header.owner = TarOwner(userName: "root", groupName: "root")
      header.modificationTime = TreePacking.time
      return header
    }
  }
}

/// The bytes of a layer that is not begun before somebody wants them.
private final class LateSource: ByteSource {
  private let recipe: any LayerRecipe
  private var source: (any ByteSource)?

  init(_ recipe: any LayerRecipe) { self.recipe = recipe }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let opened = try source ?? recipe.open()
    source = opened
    return try opened.read(into: buffer)
  }
}
