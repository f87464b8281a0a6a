public import Hashing
public import OrderedJSON

/// What an image (or another artifact) consists of (image-spec, "Image Manifest"; Docker's schema 2).
public struct Manifest: Hashable, Sendable {
  /// The family, which decides the types that layers may have.
  public var kind: ManifestKind
  /// The config of the image.
  public var config: Descriptor
  /// The layers as they are stored, lowest first.
  public var layers: [Descriptor]
  /// The manifest that this one belongs to.
  public var subject: Descriptor?
  /// Remarks.
  public var annotations = Annotations()
  /// What an artifact is.
  public var artifactType: String?
  /// Members without a meaning here; kept so that they survive a change.
  public var otherMembers = JSONObject()

  /// The most layers that are accepted.
  public static let maximumLayerCount = 1000

  /// A manifest of config and layers, lowest first.
  public init(kind: ManifestKind, config: Descriptor, layers: [Descriptor]) {
    self.kind = kind
    self.config = config
    self.layers = layers
  }

  /// The type of this document.
  public var mediaType: MediaType { kind.manifestType }

  /// Reads a manifest; refuses indexes.
  ///
  /// - Parameter contentType: What the server or the descriptor says; nil when nobody says anything.
  public static func decode(
    _ bytes: [UInt8], contentType: MediaType?, digestAlgorithm: DigestAlgorithm = .sha256
  ) throws(DocumentError) -> Encoded<Manifest> {
    let document = try ManifestDocument(
      bytes: bytes, contentType: contentType, digestAlgorithm: digestAlgorithm)
    switch document {
    case .manifest(let manifest): return manifest
    case .index(let index):
      throw .invalid(
        field: "mediaType", found: index.value.mediaType.rawValue, expected: "a manifest of a single image")
    }
  }

  static let names: Set<String> = [
    "schemaVersion", "mediaType", "config", "layers", "subject", "annotations", "artifactType",
  ]

  init(_ fields: DocumentFields, kind: ManifestKind) throws(DocumentError) {
    guard let config = fields["config"] else { throw .missing(field: "config") }
    self.init(
      kind: kind, config: try Descriptor(json: config, path: "config"),
      layers: try fields.descriptors("layers", limit: Self.maximumLayerCount))
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
    object["config"] = config.json
    object["layers"] = .array(layers.map(\.json))
    if let subject { object["subject"] = subject.json }
    if !annotations.isEmpty { object["annotations"] = annotations.json }
    object.append(contentsOf: otherMembers)
    return .object(object)
  }

  /// A new document with this content, in compact JSON.
  public func encoded() -> Encoded<Manifest> { Encoded(bytes: json.serialized(), value: self) }
}

extension Manifest {
  /// Why this is not a container image, or nil when it is one.
  public var imageKindError: ImageKindError? {
    // Docker's readers never look at the config's type in a manifest of schema 2.
    if kind == .oci, config.mediaType != .ociConfig {
      return .notAnImage(configType: config.mediaType, artifactType: artifactType)
    }
    guard let position = layers.firstIndex(where: { !$0.mediaType.isLayer(in: kind) }) else { return nil }
    return .layerType(
      number: position + 1, count: layers.count, type: layers[position].mediaType, kind: kind)
  }

  /// Refuses artifacts and layers of unknown types.
  public func requireImage() throws(ImageKindError) {
    if let problem = imageKindError { throw problem }
  }
}

/// Why a manifest is not that of a container image.
public enum ImageKindError: Error, Hashable, CustomStringConvertible {
  /// The config is not an image's.
  case notAnImage(configType: MediaType, artifactType: String?)
  /// A layer has a type that manifests of this kind cannot have. Numbers count from 1, lowest layer first.
  case layerType(number: Int, count: Int, type: MediaType, kind: ManifestKind)

  /// One line for people.
  public var description: String {
    switch self {
    case .notAnImage(let configType, let artifactType):
      "not a container image: the config has type “\(configType)” instead of “\(MediaType.ociConfig)”"
        + (artifactType.map { "; the artifact's type is “\($0)”" } ?? "")
    case .layerType(let number, let count, let type, let kind):
      "layer \(number) of \(count) has type “\(type)”, which \(kind.phrase) cannot have"
    }
  }
}

extension ManifestKind {
  fileprivate var phrase: String {
    switch self {
    case .oci: "an OCI manifest"
    case .docker: "a Docker schema 2 manifest"
    }
  }
}
