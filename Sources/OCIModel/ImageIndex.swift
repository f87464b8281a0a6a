public import Hashing
public import OrderedJSON

/// Several manifests under one name, mostly one for each platform (image-spec, "Image Index"; Docker's
/// manifest list).
public struct ImageIndex: Hashable, Sendable {
  /// The family.
  public var kind: ManifestKind
  /// The entries in order.
  ///
  /// Order decides between entries of one platform.
  public var manifests: [Descriptor]
  /// The manifest that this index belongs to.
  public var subject: Descriptor?
  /// Remarks.
  public var annotations = Annotations()
  /// What an artifact is.
  public var artifactType: String?
  /// Members without a meaning here; kept so that they survive a change.
  public var otherMembers = JSONObject()

  /// The most entries that are accepted.
  public static let maximumEntryCount = 10_000

  /// An index of these entries.
  public init(kind: ManifestKind, manifests: [Descriptor]) {
    self.kind = kind
    self.manifests = manifests
  }

  /// The type of this document.
  public var mediaType: MediaType { kind.indexType }

  /// Reads an index; refuses manifests of single images.
  ///
  /// - Parameter contentType: What the server or the descriptor says; nil when nobody says anything.
  public static func decode(
    _ bytes: [UInt8], contentType: MediaType?, digestAlgorithm: DigestAlgorithm = .sha256
  ) throws(DocumentError) -> Encoded<ImageIndex> {
    let document = try ManifestDocument(
      bytes: bytes, contentType: contentType, digestAlgorithm: digestAlgorithm)
    switch document {
    case .index(let index): return index
    case .manifest(let manifest):
      throw .invalid(field: "mediaType", found: manifest.value.mediaType.rawValue, expected: "an index")
    }
  }

  static let names: Set<String> = [
    "schemaVersion", "mediaType", "manifests", "subject", "annotations", "artifactType",
  ]

  init(_ fields: DocumentFields, kind: ManifestKind) throws(DocumentError) {
    // Programs in Go write an empty list as null.
    guard fields.isWritten("manifests") else { throw .missing(field: "manifests") }
    self.init(kind: kind, manifests: try fields.descriptors("manifests", limit: Self.maximumEntryCount))
    subject = try fields["subject"].map { json throws(DocumentError) in
      try Descriptor(json: json, path: "subject")
    }
    annotations = try fields.annotations("annotations")
    artifactType = try fields.string("artifactType")
    otherMembers = fields.others
  }

  /// The document: members in the order of image-spec, those without content left out.
  public var json: JSONValue {
    var object: JSONObject = ["schemaVersion": 2, "mediaType": .string(mediaType.rawValue)]
    if let artifactType { object["artifactType"] = .string(artifactType) }
    object["manifests"] = .array(manifests.map(\.json))
    if let subject { object["subject"] = subject.json }
    if !annotations.isEmpty { object["annotations"] = annotations.json }
    object.append(contentsOf: otherMembers)
    return .object(object)
  }

  /// A new document with this content, in compact JSON.
  public func encoded() -> Encoded<ImageIndex> { Encoded(bytes: json.serialized(), value: self) }
}
