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
}

extension ImageSource {
  /// None, where the place has no idea of them.
  public func referrers(of digest: Digest) async throws -> [Descriptor] { [] }
}
