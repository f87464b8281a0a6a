public import ArchiveIO
import Glibc
import OCIModel
public import SystemPackage

/// Finds out what holds images at a path, and opens it.
public struct ImageOpener: Sendable {
  /// Where decompressed archives go.
  public let files: PlainFile
  /// Whether links that lead out of a layout's directory are followed.
  public var followsLinksOut = false

  /// An opener that puts what it must decompress into a nameless file in `scratch`, at most `limit` bytes of it.
  public init(scratch: FilePath, limit: Int64? = nil) { files = PlainFile(scratch: scratch, limit: limit) }

  /// Opens what is at `path`, as `format` when it is given.
  ///
  /// - Throws: `ImageArchiveError`, `FileError`, `DecompressionError`, `ScratchLimitExceeded`.
  public func open(_ path: FilePath, as format: ImageCollection.Format? = nil) async throws -> ImageCollection
  {
    try await Thread.run { [self] in
      if try isDirectory(path) {
        guard format != .dockerArchive, format != .ociArchive else {
          throw ImageArchiveError(path.string, .unknownFormat("it is a directory"))
        }
        let layout = try OCILayoutReader(directory: path, followsLinksOut: followsLinksOut)
        return ImageCollection(format: .ociLayout, contents: .layout(layout))
      }
      guard format != .ociLayout else {
        throw ImageArchiveError(path.string, .unknownFormat("it is not a directory"))
      }
      return try collection(in: files.open(path), as: format)
    }
  }

  /// Opens the archive that comes from an open descriptor, which stays its owner's; `name` is for messages.
  public func open(
    _ descriptor: FileDescriptor, name: String, as format: ImageCollection.Format? = nil
  ) async throws -> ImageCollection {
    try await Thread.run { [self] in try collection(in: files.open(descriptor, name: name), as: format) }
  }

  private func isDirectory(_ path: FilePath) throws(FileError) -> Bool {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      throw FileError("open", path.string, Errno(rawValue: errno))
    }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  private func collection(
    in file: DirectFile, as format: ImageCollection.Format?
  ) throws -> ImageCollection {
    let index = try index(of: file)
    let found: ImageCollection.Format? =
      index.contains(DockerArchiveList.memberName)
      ? .dockerArchive : index.contains("oci-layout") ? .ociArchive : nil
    switch format ?? found {
    case .dockerArchive:
      return ImageCollection(format: .dockerArchive, contents: .dockerArchive(try DockerArchiveReader(index)))
    case .ociArchive, .ociLayout:
      return ImageCollection(format: .ociArchive, contents: .layout(try OCILayoutReader(archive: index)))
    case nil:
      throw ImageArchiveError(file.path, .unknownFormat("a tar without manifest.json and oci-layout"))
    }
  }

  private func index(of file: DirectFile) throws -> TarIndex {
    do { return try ImageArchiveError.locating(file.path) { try TarIndex(file) } } catch let error
      as ImageArchiveError
    {
      switch error.problem {
      case .tar(.noHeader(offset: 0)), .tar(.truncated(offset: ..<512)):
        throw ImageArchiveError(file.path, .unknownFormat("not a tar either"))
      default: throw error
      }
    }
  }
}

/// Images in one place: an archive or a layout.
public struct ImageCollection: Sendable {
  /// How they are stored.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// What `docker save` writes.
    case dockerArchive = "docker-archive"
    /// A directory.
    case ociLayout = "oci"
    /// The same in a tar.
    case ociArchive = "oci-archive"
  }

  enum Contents: Sendable {
    case dockerArchive(DockerArchiveReader)
    case layout(OCILayoutReader)
  }

  /// How they are stored.
  public let format: Format
  let contents: Contents

  /// What there is to choose from.
  public var listings: [ImageListing] {
    switch contents {
    case .dockerArchive(let archive): archive.listings
    case .layout(let layout): layout.listings
    }
  }

  /// The image, or index, that `selector` names, or the only one.
  public func image(_ selector: ImageSelector? = nil) async throws -> any ImageSource {
    switch contents {
    case .dockerArchive(let archive): try await archive.image(selector)
    case .layout(let layout): try await Thread.run { try layout.image(selector) }
    }
  }

  /// The layout, when it is one: `index.json` itself is the root of its `all`.
  public var layout: OCILayoutReader? {
    if case .layout(let layout) = contents { layout } else { nil }
  }
}
