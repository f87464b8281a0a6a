import Hashing
import OrderedJSON
import Testing

@testable import OCIModel

@Suite struct DocumentTypeTests {
  /// What the server says, what the document says, and what it then is.
  static let decisions: [(told: MediaType?, own: MediaType?, isIndex: Bool, result: MediaType)] = [
    (.ociManifest, .ociManifest, false, .ociManifest), (.ociManifest, nil, false, .ociManifest),
    (nil, .ociManifest, false, .ociManifest), (nil, nil, false, .ociManifest),
    (.dockerManifest, .dockerManifest, false, .dockerManifest),
    (.dockerManifest, nil, false, .dockerManifest),
    (nil, .dockerManifest, false, .dockerManifest), (.ociIndex, .ociIndex, true, .ociIndex),
    (.ociIndex, nil, true, .ociIndex), (nil, nil, true, .ociIndex), (nil, .ociIndex, true, .ociIndex),
    (.dockerManifestList, .dockerManifestList, true, .dockerManifestList),
    (.dockerManifestList, nil, true, .dockerManifestList),
    (nil, .dockerManifestList, true, .dockerManifestList),
    (MediaType(rawValue: "application/json"), .dockerManifest, false, .dockerManifest),
    (MediaType(rawValue: "text/plain"), nil, true, .ociIndex),
    (MediaType(rawValue: "application/octet-stream"), nil, false, .ociManifest),
    (MediaType(rawValue: ""), .ociIndex, true, .ociIndex),
    (.ociManifest, MediaType(rawValue: ""), false, .ociManifest),
  ]

  @Test(arguments: decisions)
  func `the type comes from the server, the document or the content`(
    told: MediaType?, own: MediaType?, isIndex: Bool, result: MediaType
  ) throws {
    let changes = own.map(Sample.type) ?? [:]
    let object = isIndex ? Sample.index(changes) : Sample.manifest(changes)
    let document = try Sample.read(object, told)
    #expect(document.mediaType == result)
    switch document {
    case .index: #expect(isIndex)
    case .manifest: #expect(!isIndex)
    }
  }

  @Test(arguments: [
    (MediaType.ociManifest, MediaType.dockerManifest), (.dockerManifest, .ociManifest),
    (.ociIndex, .ociManifest),
    (.ociManifest, .ociIndex), (.dockerManifestList, .ociIndex),
    (.ociManifest, MediaType(rawValue: "application/VND.oci.image.manifest.v1+json")),
  ])
  func `server and document must agree`(told: MediaType, own: MediaType) {
    #expect(throws: DocumentError.typeMismatch(contentType: told, mediaType: own)) {
      try Sample.read(Sample.manifest(Sample.type(own)), told)
    }
  }

  @Test(arguments: [
    (MediaType?.some(.ociIndex), MediaType?.none), (.dockerManifestList, nil), (nil, .ociIndex),
  ])
  func `an index must have a list of entries, be it empty or null`(told: MediaType?, own: MediaType?) throws {
    var object = Sample.index(own.map(Sample.type) ?? [:])
    for empty in [JSONValue.array([]), .null] {
      object["manifests"] = empty
      #expect(try Sample.read(object, told).mediaType == told ?? own)
    }
    object["manifests"] = nil
    #expect(throws: DocumentError.missing(field: "manifests")) { try Sample.read(object, told) }
    object["config"] = Sample.descriptor(.ociConfig)
    #expect(throws: DocumentError.missing(field: "manifests")) { try Sample.read(object, told) }
  }

  @Test(arguments: [MediaType.ociManifest, .dockerManifest])
  func `a manifest must have a config`(type: MediaType) {
    #expect(throws: DocumentError.missing(field: "config")) {
      try Sample.read(Sample.manifest(["config": nil]), type)
    }
    #expect(throws: DocumentError.missing(field: "config")) { try Sample.read(Sample.index(), type) }
  }

  @Test(arguments: [
    "text/html", "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.index.v2+json",
  ])
  func `other types are refused by name, whoever says them`(text: String) {
    let type = MediaType(rawValue: text)
    #expect(throws: DocumentError.unknownType(type)) { try Sample.read(Sample.manifest(), type) }
    #expect(throws: DocumentError.unknownType(type)) {
      try Sample.read(Sample.manifest(Sample.type(type)), nil)
    }
  }

  @Test(arguments: [[:], ["schemaVersion": 2], ["config": .null], ["layers": []]] as [JSONObject])
  func `content of no known kind is refused`(object: JSONObject) {
    #expect(throws: DocumentError.unknownContent) { try Sample.read(object, nil) }
    #expect(throws: DocumentError.unknownContent) {
      try Sample.read(object, MediaType(rawValue: "application/json"))
    }
  }
}

@Suite struct DocumentRefusalTests {
  @Test(arguments: [
    (Sample.manifest(["manifests": []]), ["config", "layers", "manifests"]),
    (Sample.index(["config": Sample.descriptor(.ociConfig)]), ["config", "manifests"]),
    (Sample.index(["layers": []]), ["layers", "manifests"]),
    (Sample.manifest(["fsLayers": []]), ["config", "layers", "fsLayers"]),
    (Sample.manifest(["history": []]), ["config", "layers", "history"]),
    (Sample.index(["fsLayers": [], "history": []]), ["manifests", "fsLayers", "history"]),
  ])
  func `a document of two kinds is refused, whatever its type`(object: JSONObject, fields: [String]) {
    for type in [nil, MediaType.ociManifest, .ociIndex, .dockerManifest, .dockerManifestList] {
      #expect(throws: DocumentError.ambiguous(fields: fields)) { try Sample.read(object, type) }
    }
  }

  @Test func `members that are null are not there`() throws {
    let document = try Sample.read(
      Sample.manifest(["manifests": .null, "fsLayers": .null, "subject": .null]), nil)
    #expect(document.mediaType == .ociManifest)
  }

  static let schema1Documents: [(MediaType?, JSONObject)] = [
    (.dockerSchema1, [:]), (.dockerSchema1Signed, [:]),
    (nil, ["schemaVersion": 1, "fsLayers": [], "history": []]),
    (nil, ["mediaType": .string(MediaType.dockerSchema1.rawValue), "schemaVersion": 1]),
    (.dockerManifest, ["schemaVersion": 1, "fsLayers": []]),
    (MediaType(rawValue: "application/json"), ["fsLayers": []]),
  ]

  @Test(arguments: schema1Documents)
  func `schema 1 is refused by name`(type: MediaType?, object: JSONObject) {
    #expect(throws: DocumentError.schema1) { try Sample.read(object, type) }
    #expect(DocumentError.schema1.description.contains("schema 1"))
  }

  @Test(arguments: [
    ("Layers", "layers"), ("LAYERS", "layers"), ("layer\u{17F}", "layers"), ("Config", "config"),
    ("Manifests", "manifests"), ("manife\u{17F}ts", "manifests"), ("MediaType", "mediaType"),
    ("SchemaVersion", "schemaVersion"), ("FsLayers", "fsLayers"), ("fslayers", "fsLayers"),
    ("History", "history"),
    ("Subject", "subject"), ("Annotations", "annotations"), ("ArtifactType", "artifactType"),
  ])
  func `other spellings are refused beside the right one and alone`(name: String, meant: String) {
    let error = DocumentError.misspelled(field: name, expected: meant)
    for object in [Sample.manifest([name: []]), Sample.index([name: []]), [name: []]] {
      #expect(throws: error) { try Sample.read(object, nil) }
      #expect(throws: error) { try Sample.read(object, .ociManifest) }
    }
  }

  @Test func `repeated members are refused`() {
    let text = #"{"schemaVersion":2,"layers":[],"config":{},"layers":[]}"#
    #expect {
      try ManifestDocument(bytes: Array(text.utf8), contentType: .ociManifest)
    } throws: {
      if case DocumentError.json(.duplicateMember) = $0 { true } else { false }
    }
  }

  @Test func `a byte order mark is refused`() {
    let bytes = [0xEF, 0xBB, 0xBF] + JSONValue.object(Sample.manifest()).serialized()
    #expect(throws: DocumentError.byteOrderMark) { try ManifestDocument(bytes: bytes, contentType: nil) }
  }

  @Test func `4 MiB are read and no more`() throws {
    let document = JSONValue.object(Sample.manifest()).serialized()
    let padding = [UInt8](repeating: 0x20, count: 4 << 20 - document.count)
    #expect(try ManifestDocument(bytes: document + padding, contentType: nil).mediaType == .ociManifest)
    #expect(throws: DocumentError.tooLarge(byteCount: 4_194_305, limit: 4_194_304)) {
      try ManifestDocument(bytes: document + padding + [0x20], contentType: nil)
    }
  }

  @Test(arguments: ["", "null", "[]", "\"x\"", "1", "<html></html>", "{", "{}x"])
  func `what is not an object is refused`(text: String) {
    #expect(throws: DocumentError.self) {
      try ManifestDocument(bytes: Array(text.utf8), contentType: .ociManifest)
    }
  }

  @Test func `lists have limits`() throws {
    let layer = Sample.descriptor(.ociLayer)
    let layers = [JSONValue](repeating: layer, count: 1000)
    #expect(throws: Never.self) { try Sample.read(Sample.manifest(["layers": .array(layers)]), nil) }
    #expect(throws: DocumentError.tooMany(field: "layers", count: 1001, limit: 1000)) {
      try Sample.read(Sample.manifest(["layers": .array(layers + [layer])]), nil)
    }
    let entries = [JSONValue](repeating: Sample.descriptor(.ociManifest), count: 10_001)
    #expect(throws: Never.self) {
      try Sample.read(Sample.index(["manifests": .array(Array(entries.dropLast()))]), nil)
    }
    #expect(throws: DocumentError.tooMany(field: "manifests", count: 10_001, limit: 10_000)) {
      try Sample.read(Sample.index(["manifests": .array(entries)]), nil)
    }
  }

  @Test func `a fault in a list is named by its place`() {
    let layers: JSONValue = [Sample.descriptor(.ociLayer), Sample.descriptor(.ociLayer, size: -2)]
    #expect(
      throws: DocumentError.invalid(field: "layers[1].size", found: "-2", expected: "a number of bytes")
    ) {
      try Sample.read(Sample.manifest(["layers": layers]), nil)
    }
    #expect(throws: DocumentError.wrongKind(field: "layers", expected: "a list", found: "an object")) {
      try Sample.read(Sample.manifest(["layers": [:]]), nil)
    }
    #expect(throws: DocumentError.wrongKind(field: "manifests[0]", expected: "an object", found: "null")) {
      try Sample.read(Sample.index(["manifests": [.null]]), nil)
    }
  }

  @Test func `every message is one line that names its facts`() {
    let cases: [(DocumentError, [String])] = [
      (.tooLarge(byteCount: 9, limit: 5), ["9", "5"]), (.byteOrderMark, ["byte order mark"]),
      (.json(.tooDeep(limit: 100, offset: 7)), ["100", "7"]), (.missing(field: "config"), ["config"]),
      (.wrongKind(field: "f", expected: "a list", found: "null"), ["f", "a list", "null"]),
      (.invalid(field: "f", found: "x", expected: "y"), ["f", "x", "y"]),
      (.misspelled(field: "Layers", expected: "layers"), ["Layers", "layers"]),
      (.tooMany(field: "layers", count: 1001, limit: 1000), ["layers", "1001", "1000"]),
      (.typeMismatch(contentType: .ociIndex, mediaType: .ociManifest), ["index", "manifest"]),
      (.ambiguous(fields: ["config", "manifests"]), ["config, manifests"]),
      (.unknownType(MediaType(rawValue: "text/html")), ["text/html"]), (.unknownContent, ["neither"]),
    ]
    for (error, facts) in cases {
      for fact in facts { #expect(error.description.contains(fact)) }
      #expect(!error.description.contains("\n"))
    }
  }
}
