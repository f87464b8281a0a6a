public import Hashing
public import OrderedJSON

/// What some content is, how it is named and how long it is (image-spec, "Content Descriptors").
public struct Descriptor: Hashable, Sendable {
  /// The type of the content, as written.
  public var mediaType: MediaType
  /// The name of the content: its digest as it is stored, so of the compressed bytes of a layer.
  public var digest: Digest
  /// The length of the content as it is stored, in bytes.
  ///
  /// −1 in documents that do not know it; nothing else is negative.
  public var byteCount: Int64
  /// Where else the content may be found.
  public var urls: [String] = []
  /// Remarks.
  public var annotations = Annotations()
  /// The content itself, where the document carries it.
  ///
  /// Not checked against the digest: whoever uses it must.
  public var data: [UInt8]?
  /// In an index: the machine that the image is for.
  public var platform: Platform?
  /// In an index: what an artifact is.
  public var artifactType: String?
  /// Members without a meaning here; kept so that they survive a change.
  public var otherMembers = JSONObject()

  /// A descriptor with nothing but what every one has.
  public init(mediaType: MediaType, digest: Digest, byteCount: Int64) {
    self.mediaType = mediaType
    self.digest = digest
    self.byteCount = byteCount
  }

  /// The greatest length that is believed: 1 PiB.
  public static let maximumByteCount: Int64 = 1 << 50

  /// Reads a descriptor.
  ///
  /// `path` is where it stands in its document, for errors.
  public init(json: JSONValue, path: String = "descriptor") throws(DocumentError) {
    let fields = try DocumentFields(json, path: path, known: Self.names)
    self.init(
      mediaType: MediaType(rawValue: try fields.required("mediaType")),
      digest: try Self.digest(fields), byteCount: try Self.byteCount(fields))
    urls = try fields.strings("urls")
    annotations = try fields.annotations("annotations")
    data = try Self.data(fields)
    platform = try fields["platform"].map { json throws(DocumentError) in
      try Platform(json: json, path: fields.field("platform"))
    }
    artifactType = try fields.string("artifactType")
    otherMembers = fields.others
  }

  private static let names: Set<String> = [
    "mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType",
  ]

  private static func digest(_ fields: DocumentFields) throws(DocumentError) -> Digest {
    let text = try fields.required("digest")
    do throws(DigestError) {
      return try Digest(parsing: text)
    } catch {
      throw .invalid(
        field: fields.field("digest"), found: text, expected: "sha256: and 64 lower-case hexadecimal digits")
    }
  }

  private static func byteCount(_ fields: DocumentFields) throws(DocumentError) -> Int64 {
    guard let value = fields["size"] else { throw .missing(field: fields.field("size")) }
    guard case .number(let text) = value else { throw fields.wrongKind("size", "a number", value) }
    guard let count = value.int, count >= -1, count <= maximumByteCount else {
      throw .invalid(field: fields.field("size"), found: text, expected: "a number of bytes")
    }
    return count
  }

  private static func data(_ fields: DocumentFields) throws(DocumentError) -> [UInt8]? {
    guard let text = try fields.string("data") else { return nil }
    guard let bytes = Base64.decode(text) else {
      throw .invalid(
        field: fields.field("data"), found: String(text.prefix(40)), expected: "base 64 with padding")
    }
    return bytes
  }
}

extension Descriptor {
  /// The descriptor as it is written in a document: members in the order of image-spec, those without content
  /// left out.
  public var json: JSONValue {
    var object: JSONObject = [:]
    object["mediaType"] = .string(mediaType.rawValue)
    object["digest"] = .string(digest.description)
    object["size"] = .integer(byteCount)
    if !urls.isEmpty { object["urls"] = .array(urls.map(JSONValue.string)) }
    if !annotations.isEmpty { object["annotations"] = annotations.json }
    if let data { object["data"] = .string(Base64.encode(data)) }
    if let platform { object["platform"] = platform.json }
    if let artifactType { object["artifactType"] = .string(artifactType) }
    object.append(contentsOf: otherMembers)
    return .object(object)
  }

  /// Whether this entry of an index tells how an image was built instead of being one.
  ///
  /// Builders mark these by the platform `unknown/unknown`, or by an annotation.
  public var isAttestation: Bool {
    platform?.isUnknown == true || annotations["vnd.docker.reference.type"] == "attestation-manifest"
  }
}

extension Platform {
  private static let names: Set<String> = [
    "architecture", "os", "variant", "os.version", "os.features", "features",
  ]

  /// Reads the `platform` of a descriptor.
  ///
  /// Missing names are empty, so that they match no request.
  init(json: JSONValue, path: String) throws(DocumentError) {
    let fields = try DocumentFields(json, path: path, known: Self.names)
    self.init(
      os: try fields.string("os") ?? "", architecture: try fields.string("architecture") ?? "",
      variant: try fields.string("variant"), osVersion: try fields.string("os.version"))
    osFeatures = try fields.strings("os.features")
    features = try fields.strings("features")
  }

  /// The platform as it is written in a descriptor.
  public var json: JSONValue {
    var object: JSONObject = ["architecture": .string(architecture), "os": .string(os)]
    if let osVersion { object["os.version"] = .string(osVersion) }
    if !osFeatures.isEmpty { object["os.features"] = .array(osFeatures.map(JSONValue.string)) }
    if let variant { object["variant"] = .string(variant) }
    if !features.isEmpty { object["features"] = .array(features.map(JSONValue.string)) }
    return .object(object)
  }
}

extension Annotations {
  /// The annotations as they are written in a document.
  public var json: JSONValue {
    var object = JSONObject()
    for entry in entries { object[entry.name] = .string(entry.value) }
    return .object(object)
  }
}
