import ArchiveIO
public import Hashing
public import OCIModel

/// A place that an image, or an index of images, is read from: a registry, a docker-archive, an OCI layout.
///
/// Everything is named by digest below the root, so what comes is either right or an error.
public protocol ImageSource: Sendable {
  /// What the location names: a manifest or an index.
  var root: ManifestDocument { get }

  /// A document that an index refers to.
  ///
  /// - Throws: `ContentMismatch` when digest or size are not those of the descriptor.
  func document(_ descriptor: Descriptor) async throws -> ManifestDocument

  /// A blob that a manifest refers to, a configuration or a layer.
  ///
  /// It may still be on its way, or not even be asked for: reading it waits. `subject` names it in messages.
  func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent

  /// The manifests whose `subject` is the document of that digest: signatures, bills of materials and the like.
  func referrers(of digest: Digest) async throws -> [Descriptor]

  /// The repositories of registries that have a blob; none when it is elsewhere.
  ///
  /// A registry can take it over from there (registry-protocol.md, section 7, "Mount").
  func origins(of blob: Descriptor) -> [Reference]
}

extension ImageSource {
  /// None, where the place has no idea of them.
  public func referrers(of digest: Digest) async throws -> [Descriptor] { [] }

  /// None: most places are no registries.
  public func origins(of blob: Descriptor) -> [Reference] { [] }

  /// The configuration that a manifest names, checked; at most `ImageConfig.maximumByteCount` bytes.
  public func config(of manifest: Manifest) async throws -> [UInt8] {
    let content = try await blob(manifest.config, subject: "config")
    return try await Thread.run { try content.readAll(limit: ImageConfig.maximumByteCount) }
  }
}
