public import Hashing
public import OrderedJSON

/// What an image says about itself (image-spec, "Image Configuration").
///
/// A view on the text, which stays as it is: members without a meaning here survive every change, and configs
/// that only Go's reader accepts can be looked at too. A member of an unexpected kind counts as missing, but
/// for `rootfs.diff_ids`.
public struct ImageConfig: Sendable {
  /// The text.
  public let document: RawJSON
  /// The digests of the uncompressed layers, lowest first; none when the config has no `rootfs`.
  public let diffIDs: [Digest]

  /// The greatest length in bytes; containers/image reads no more.
  public static let maximumByteCount = 4 << 20

  /// Reads a config.
  ///
  /// `null` is not one, though skopeo copies it.
  public init(_ bytes: [UInt8]) throws(DocumentError) {
    guard bytes.count <= Self.maximumByteCount else {
      throw .tooLarge(byteCount: bytes.count, limit: Self.maximumByteCount)
    }
    document = try DocumentError.json { () throws(JSONError) in try RawJSON(bytes) }
    guard document.kind == .object else {
      throw .wrongKind(field: "(config)", expected: "an object", found: "another value")
    }
    diffIDs = try Self.diffIDs(document)
  }

  /// Reads a config and computes its digest.
  public static func decode(
    _ bytes: [UInt8], digestAlgorithm: DigestAlgorithm = .sha256
  ) throws(DocumentError) -> Encoded<ImageConfig> {
    Encoded(bytes: bytes, value: try ImageConfig(bytes), digestAlgorithm: digestAlgorithm)
  }

  private static func diffIDs(_ document: RawJSON) throws(DocumentError) -> [Digest] {
    let field = "rootfs.diff_ids"
    guard let rootfs = document.objectMember("rootfs"), let list = rootfs.value("diff_ids"), !list.isNull
    else { return [] }
    guard let elements = list.array else {
      throw .wrongKind(field: field, expected: "a list", found: list.kindName)
    }
    var digests: [Digest] = []
    for (position, element) in elements.enumerated() {
      guard let text = element.string, let digest = try? Digest(parsing: text) else {
        throw .invalid(
          field: "\(field)[\(position)]", found: element.string ?? element.kindName, expected: "a digest")
      }
      digests.append(digest)
    }
    return digests
  }
}

extension ImageConfig {
  /// A member of any name, unless it is missing or cannot be represented.
  public subscript(_ name: String) -> JSONValue? { document.value(name) }

  /// The operating system; empty when missing.
  public var os: String { self["os"]?.string ?? "" }

  /// The processor; empty when missing.
  public var architecture: String { self["architecture"]?.string ?? "" }

  /// The revision of the processor.
  public var variant: String? { self["variant"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

  /// When the image was made, as written (RFC 3339).
  public var created: String? { self["created"]?.string }

  /// Who made the image.
  public var author: String? { self["author"]?.string }

  /// What the image runs on.
  public var platform: Platform {
    Platform(
      os: os, architecture: architecture, variant: variant, osVersion: self["os.version"]?.string)
  }

  /// The steps that made the image, oldest first.
  public var history: [HistoryEntry] { (self["history"]?.array ?? []).map(HistoryEntry.init(json:)) }

  /// What a container of the image runs, and how.
  public var runtime: RuntimeConfig { RuntimeConfig(document.objectMember("config")) }

  /// The same config with another value of a top-level member; everything else stays byte for byte.
  public func setting(_ name: String, to value: JSONValue) throws(DocumentError) -> ImageConfig {
    try setting(name, toText: value.serialized())
  }

  /// The same config without a top-level member; everything else stays byte for byte.
  public func removing(_ name: String) throws(DocumentError) -> ImageConfig {
    let changed = try DocumentError.json { () throws(JSONError) in try document.removing(name) }
    return try ImageConfig(changed.bytes)
  }

  /// The same config with another value of a member of `config`; everything else stays byte for byte.
  public func settingRuntime(_ name: String, to value: JSONValue) throws(DocumentError) -> ImageConfig {
    try changing("config") { object throws(JSONError) in try object.setting(name, to: value) }
  }

  /// The same config without a member of `config`; everything else stays byte for byte.
  public func removingRuntime(_ name: String) throws(DocumentError) -> ImageConfig {
    guard document.objectMember("config")?[name] != nil else { return self }
    return try changing("config") { object throws(JSONError) in try object.removing(name) }
  }

  /// The same config for other layers, given by the digests of their uncompressed bytes, lowest first.
  public func setting(diffIDs: [Digest]) throws(DocumentError) -> ImageConfig {
    let list = JSONValue.array(diffIDs.map { .string($0.description) })
    guard document.objectMember("rootfs") != nil else {
      return try setting("rootfs", to: ["type": "layers", "diff_ids": list])
    }
    return try changing("rootfs") { object throws(JSONError) in try object.setting("diff_ids", to: list) }
  }

  /// Changes a member that is an object, which is begun where there is none.
  private func changing(
    _ name: String, _ change: (RawJSON) throws(JSONError) -> RawJSON
  ) throws(DocumentError) -> ImageConfig {
    let object = document.objectMember(name)
    let text = try DocumentError.json { () throws(JSONError) in
      let object = if let object { object } else { try RawJSON(Array("{}".utf8)) }
      return try change(object).bytes
    }
    return try setting(name, toText: text)
  }

  private func setting(_ name: String, toText text: [UInt8]) throws(DocumentError) -> ImageConfig {
    let changed = try DocumentError.json { () throws(JSONError) in
      try document.setting(name, toText: text)
    }
    return try ImageConfig(changed.bytes)
  }
}

/// One step that made an image (image-spec, "Image Configuration", `history`).
public struct HistoryEntry: Hashable, Sendable {
  /// When, as written (RFC 3339).
  public let created: String?
  /// By which command.
  public let createdBy: String?
  /// By whom.
  public let author: String?
  /// A remark.
  public let comment: String?
  /// Whether the step made no layer.
  ///
  /// The others belong to the layers, in order.
  public let isEmptyLayer: Bool

  init(json: JSONValue) {
    created = json["created"]?.string
    createdBy = json["created_by"]?.string
    author = json["author"]?.string
    comment = json["comment"]?.string
    isEmptyLayer = json["empty_layer"]?.bool ?? false
  }
}

extension RawJSON {
  /// The value of a member that counts; nil when it is missing or has something that `JSONValue` cannot
  /// represent.
  func value(_ name: String) -> JSONValue? {
    self[name].flatMap { try? JSONValue(parsing: bytes[$0.value], limits: .manifest) }
  }

  /// The text of a member that is an object.
  func objectMember(_ name: String) -> RawJSON? {
    guard let member = self[name], let object = try? RawJSON(text(of: member)), object.kind == .object else {
      return nil
    }
    return object
  }
}
