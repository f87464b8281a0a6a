public import Hashing
import OrderedJSON

/// What a registry answers to the request for a manifest: a manifest or an index, with the exact bytes.
public enum ManifestDocument: Sendable {
  /// A single image or artifact.
  case manifest(Encoded<Manifest>)
  /// Several.
  case index(Encoded<ImageIndex>)

  /// The greatest length in bytes of a manifest or an index (distribution-spec, "Pushing Manifests").
  public static let maximumByteCount = 4 << 20

  /// Reads a document (registry-protocol.md, section 4).
  ///
  /// - Parameters:
  ///   - contentType: What the server or the descriptor says. It must agree with the document; when it is nil
  ///     or generic, the document decides alone.
  ///   - digestAlgorithm: What `digest` is computed with.
  public init(
    bytes: [UInt8], contentType: MediaType?, digestAlgorithm: DigestAlgorithm = .sha256
  ) throws(DocumentError) {
    guard bytes.count <= Self.maximumByteCount else {
      throw .tooLarge(byteCount: bytes.count, limit: Self.maximumByteCount)
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw .byteOrderMark }
    if contentType?.isSchema1 == true { throw .schema1 }
    let json = try DocumentError.json { () throws(JSONError) in
      try JSONValue(parsing: bytes, limits: .manifest)
    }
    let fields = try DocumentFields(json, path: "", known: Self.names)
    switch try Self.type(fields, contentType: contentType) {
    case .index(let kind):
      let index = try ImageIndex(fields.narrowed(to: ImageIndex.names), kind: kind)
      self = .index(Encoded(bytes: bytes, value: index, digestAlgorithm: digestAlgorithm))
    case .manifest(let kind):
      let manifest = try Manifest(fields.narrowed(to: Manifest.names), kind: kind)
      self = .manifest(Encoded(bytes: bytes, value: manifest, digestAlgorithm: digestAlgorithm))
    }
  }

  /// Every name that decides what a document is.
  private static let names = Manifest.names.union(ImageIndex.names).union(["fsLayers", "history"])

  private enum DocumentType {
    case manifest(ManifestKind)
    case index(ManifestKind)
  }

  private static func type(
    _ fields: DocumentFields, contentType: MediaType?
  ) throws(DocumentError) -> DocumentType {
    let own = try fields.string("mediaType").flatMap { $0.isEmpty ? nil : MediaType(rawValue: $0) }
    let told = contentType.flatMap { $0.isGeneric ? nil : $0 }
    if own?.isSchema1 == true { throw .schema1 }
    if let told, let own, told != own { throw .typeMismatch(contentType: told, mediaType: own) }
    try refuseAmbiguity(fields)
    guard let type = told ?? own else { return try contentKind(fields) }
    switch type {
    case .ociManifest: return .manifest(.oci)
    case .ociIndex: return .index(.oci)
    case .dockerManifest: return .manifest(.docker)
    case .dockerManifestList: return .index(.docker)
    default: throw .unknownType(type)
    }
  }

  /// A document that has fields of two kinds would be two images to two readers.
  private static func refuseAmbiguity(_ fields: DocumentFields) throws(DocumentError) {
    let manifest = ["config", "layers"].filter(fields.has)
    let index = ["manifests"].filter(fields.has)
    let schema1 = ["fsLayers", "history"].filter(fields.has)
    let kinds = [manifest, index, schema1].filter { !$0.isEmpty }
    if kinds.count > 1 { throw .ambiguous(fields: kinds.flatMap { $0 }) }
    if !schema1.isEmpty { throw .schema1 }
  }

  private static func contentKind(_ fields: DocumentFields) throws(DocumentError) -> DocumentType {
    if fields.has("manifests") { return .index(.oci) }
    if fields.has("config"), fields.has("layers") { return .manifest(.oci) }
    throw .unknownContent
  }
}

extension ManifestDocument {
  /// The document exactly as it was received.
  public var bytes: [UInt8] {
    switch self {
    case .manifest(let manifest): manifest.bytes
    case .index(let index): index.bytes
    }
  }

  /// The digest of `bytes`.
  public var digest: Digest {
    switch self {
    case .manifest(let manifest): manifest.digest
    case .index(let index): index.digest
    }
  }

  /// The type of the document.
  public var mediaType: MediaType {
    switch self {
    case .manifest(let manifest): manifest.value.mediaType
    case .index(let index): index.value.mediaType
    }
  }

  /// A descriptor of the document, without platform.
  public var descriptor: Descriptor {
    Descriptor(mediaType: mediaType, digest: digest, byteCount: Int64(bytes.count))
  }
}
