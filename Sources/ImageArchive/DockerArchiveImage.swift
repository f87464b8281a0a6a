import ArchiveIO
import Hashing
public import OCIModel

/// An image of a docker-archive, with a manifest that was made for it.
public struct DockerArchiveImage: ImageSource {
  /// A file of the archive, and how it is compressed where that is taken off.
  struct Part: Sendable {
    var range: FileRange
    var compression: Compression = .none
  }

  /// See `ImageSource`.
  public let root: ManifestDocument
  let path: String
  let parts: [Digest: Part]

  /// There are no documents below a manifest.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    throw ImageArchiveError(path, .missing(descriptor.digest.layoutName, subject: "a manifest"))
  }

  /// See `ImageSource`.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    guard let part = parts[descriptor.digest] else {
      throw ImageArchiveError(path, .missing("\(descriptor.digest)", subject: subject))
    }
    return StoredBlob(descriptor, subject: subject, compression: part.compression) { part.range }
  }
}
