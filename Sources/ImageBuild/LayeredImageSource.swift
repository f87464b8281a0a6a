public import ArchiveIO
import Hashing
public import ImageArchive
public import OCIModel
import SystemPackage

/// A layered image as something to copy from, with a manifest: into an OCI layout or a registry.
///
/// The manifest needs the digest of every layer as it is stored. A layer that is remembered is not made at all, until somebody who lacks it
/// asks for its bytes.
public struct LayeredImageSource: ImageSource {
  /// See `ImageSource`.
  public let root: ManifestDocument
  private let blobs: [Digest: any BlobContent]

  /// How the image is stored.
  public struct Form: Sendable {
    /// The family of the manifest.
    public var kind: ManifestKind
    /// How layers are compressed.
    public var encoding: LayerEncoding
    /// Remarks in the manifest.
    public var annotations: Annotations

    /// A form.
    public init(kind: ManifestKind, encoding: LayerEncoding, annotations: Annotations = Annotations()) {
      self.kind = kind
      self.encoding = encoding
      self.annotations = annotations
    }
  }

  /// Learns what the manifest needs.
  ///
  /// Layers that have to be made for that are kept in `scratch`, compressed.
  public init(
    _ image: LayeredImage, as form: Form, memory: LayerMemory?, scratch: BlobCache
  ) async throws {
    let stored = try await Self.layers(of: image, as: form, memory: memory, scratch: scratch)
    let configuration = image.configuration(diffIDs: stored.map(\.diffID))
    var manifest = Manifest(
      kind: form.kind,
      config: Descriptor(
        mediaType: form.kind.configType, digest: Digest(of: configuration),
        byteCount: Int64(configuration.count)),
      layers: stored.map(\.layer.descriptor))
    manifest.annotations = form.annotations
    var blobs: [Digest: any BlobContent] = [:]
    for layer in stored { blobs[layer.layer.descriptor.digest] = layer.layer.content }
    blobs[manifest.config.digest] = BytesContent(configuration)
    self.blobs = blobs
    root = .manifest(manifest.encoded())
  }

  /// See `ImageSource`; there is nothing below the root.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument { root }

  /// See `ImageSource`.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    guard let content = blobs[descriptor.digest] else {
      preconditionFailure("a blob that the manifest does not name")
    }
    return content
  }

  private static func layers(
    of image: LayeredImage, as form: Form, memory: LayerMemory?, scratch: BlobCache
  ) async throws -> [StoredLayer] {
    let maker = StoredLayerMaker(form: form, memory: memory, scratch: scratch)
    return try await Thread.run {
      // Layers of the base that stay as they are need not be read, perhaps not even fetched.
      let kept = image.parts.map { maker.keeping($0) }
      let made = zip(image.parts, kept).filter { $0.1 == nil }.map(\.0)
      let survey = LayerSurvey(made, memory: memory)
      defer { survey.stop() }
      var position = 0
      return try zip(image.parts, kept).enumerated().map { index, layer in
        if let kept = layer.1 { return kept }
        defer { position += 1 }
        return try maker.layer(
          layer.0, number: index + 1, of: image.parts.count, facts: survey.facts(at: position))
      }
    }
  }
}

/// A layer as it is stored, and the digest of its uncompressed bytes.
struct StoredLayer: Sendable {
  var diffID: Digest
  var layer: Layer
}

/// Gives layers the form in which they are stored.
private struct StoredLayerMaker: Sendable {
  /// Changes when the same tar is compressed to other bytes than before.
  private static let version = 1

  let form: LayeredImageSource.Form
  let memory: LayerMemory?
  let scratch: BlobCache

  func layer(_ part: LayeredImage.Part, number: Int, of count: Int, facts: LayerFacts) throws -> StoredLayer {
    let subject = "layer \(number) of \(count)"
    guard let recipe = part.recipe else { throw LayeredImageError.linkedLayer(number) }
    guard let type = MediaType.layer(form.encoding, in: form.kind) else {
      throw LayeredImageError.encoding(kind: "\(form.kind)", encoding: "\(form.encoding)")
    }
    let key = "compressed \(Self.version) \(form.encoding) \(facts.diffID)"
    let remembered = try RememberedLayer(recipe, in: memory)
    let content = CompressedRecipe(
      recipe, diffID: facts.diffID, as: form.encoding.compression, subject: subject, scratch: scratch
    ) { [memory] in
      // Which of the two was wrong shows only when the layer is made again.
      remembered.forget()
      memory?.forget(key)
    }
    let known: LayerFacts
    if content.isPlain {
      known = facts
    } else {
      known = try memory?.facts(for: key) ?? content.compressNow()
      memory?.remember(known, for: key)
    }
    let descriptor = Descriptor(mediaType: type, digest: known.diffID, byteCount: known.byteCount)
    let blob = content.checked(for: descriptor)
    return StoredLayer(diffID: facts.diffID, layer: Layer(descriptor: descriptor, content: blob))
  }
}

extension StoredLayerMaker {
  /// A layer of the base image as it is, when such a manifest can have it.
  fileprivate func keeping(_ part: LayeredImage.Part) -> StoredLayer? {
    guard let layer = part.stored, let diffID = part.promised,
      let encoding = layer.descriptor.mediaType.layerEncoding,
      let type = MediaType.layer(encoding, in: form.kind)
    else { return nil }
    var descriptor = layer.descriptor
    descriptor.mediaType = type
    return StoredLayer(diffID: diffID, layer: Layer(descriptor: descriptor, content: layer.content))
  }
}

extension LayerEncoding {
  /// The compression of the same name.
  public var compression: Compression {
    switch self {
    case .uncompressed: .none
    case .gzip: .gzip
    case .zstd: .zstd
    }
  }
}
