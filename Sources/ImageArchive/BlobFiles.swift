import ArchiveIO
import Hashing
import OCIModel

/// Where the files of an OCI layout are: a directory, or a tar.
protocol BlobFiles: Sendable {
  /// The place, for messages.
  var path: String { get }

  /// Opens a regular file; nil when nothing has that name.
  ///
  /// - Throws: `ImageArchiveError` when it is something else.
  func file(_ name: String) throws -> FileRange?
}

extension BlobFiles {
  /// Opens a file that must be there; `subject` is what it should be.
  func requiredFile(_ name: String, subject: String) throws -> FileRange {
    guard let file = try file(name) else {
      throw ImageArchiveError(path, .missing(name, subject: subject))
    }
    return file
  }

  /// A whole document.
  func document(_ name: String, limit: Int, subject: String) throws -> [UInt8] {
    let file = try requiredFile(name, subject: subject)
    guard file.byteCount <= Int64(limit) else {
      throw ImageArchiveError(path, .tooLarge(subject, limit: limit))
    }
    return try file.readAll(limit: limit)
  }

  /// A manifest or index below the root, checked.
  func document(_ descriptor: Descriptor) throws -> ManifestDocument {
    let subject = "\(descriptor.mediaType.isIndex ? "index" : "manifest") \(descriptor.digest)"
    let bytes = try document(
      descriptor.digest.layoutName, limit: ManifestDocument.maximumByteCount, subject: subject)
    let found = Digest(of: bytes, algorithm: descriptor.digest.algorithm)
    let isRightSize = descriptor.byteCount < 0 || descriptor.byteCount == Int64(bytes.count)
    guard isRightSize, found == descriptor.digest else {
      throw ContentMismatch(
        subject: subject, expected: descriptor.digest, found: isRightSize ? found : nil,
        expectedByteCount: descriptor.byteCount, foundByteCount: Int64(bytes.count))
    }
    do throws(DocumentError) {
      return try ManifestDocument(
        bytes: bytes, contentType: descriptor.mediaType, digestAlgorithm: descriptor.digest.algorithm)
    } catch {
      throw ImageArchiveError(path, .document(subject, error))
    }
  }
}

extension Digest {
  /// Where a layout has the blob (image-spec, "Image Layout").
  var layoutName: String { "blobs/\(algorithm.rawValue)/\(hex)" }
}

/// A tar as a place of files.
struct TarFiles: BlobFiles {
  let index: TarIndex

  var path: String { index.file.path }

  func file(_ name: String) throws -> FileRange? {
    try ImageArchiveError.locating(path) { try index.file(name) }
  }
}
