import ArchiveIO
import Glibc
public import Hashing
import OCIModel
public import SystemPackage

/// Removes the blobs of an OCI layout that nothing named in `index.json` needs.
///
/// Needed is what the entries of `index.json` are, what manifests and indexes below them name, and manifests whose `subject` is needed,
/// also when no index names them. Waits until nobody adds to the layout through `OCILayoutWriter`, and lets nobody begin meanwhile:
/// what a writer has put and not yet named stays. Other programs do not know that lock.
public struct OCILayoutCollector: Sendable {
  /// What was, or would be, removed.
  public struct Report: Sendable, Hashable {
    /// The blobs, sorted.
    public var digests: [Digest] = []
    /// Their bytes, and those of files that killed writers left behind.
    public var byteCount: Int64 = 0
    /// Files that killed writers left behind.
    public var leftoverCount = 0

    /// Nothing.
    public init() {}
  }

  /// The layout's directory.
  public let path: FilePath

  /// A collector for the layout at `path`.
  public init(_ path: FilePath) { self.path = path }

  /// Removes what is not needed; with `isDryRun` only tells it.
  ///
  /// Blocks. Nothing is removed when a document that is needed is damaged: what it names is not known then.
  ///
  /// - Throws: `ImageArchiveError`, `ContentMismatch`, `FileError`.
  public func run(isDryRun: Bool = false) throws -> Report {
    // Refuses what is no layout before anything is locked.
    _ = try OCILayoutReader(directory: path)
    let locks = (try LayoutLock.collecting(in: path), try LayoutLock.index(of: path))
    defer { withExtendedLifetime(locks) {} }
    let reader = try OCILayoutReader(directory: path)
    let present = try BlobDirectory.contents(of: path)
    let needed = try NeededBlobs(in: reader, among: present.blobs).digests
    var report = Report()
    for blob in present.blobs where !needed.contains(blob.digest) {
      if !isDryRun { try remove(LayoutFile.blob(blob.digest, in: path)) }
      report.digests.append(blob.digest)
      report.byteCount += blob.byteCount
    }
    for file in present.leftovers {
      if !isDryRun { try remove(file.path) }
      report.leftoverCount += 1
      report.byteCount += file.byteCount
    }
    return report
  }

  private func remove(_ file: FilePath) throws(FileError) {
    guard unlink(file.string) == 0 || errno == ENOENT else {
      throw FileError("remove", file.string, Errno(rawValue: errno))
    }
  }
}

/// What is in `blobs` of a layout.
struct BlobDirectory {
  /// Files under the name of a digest, sorted.
  var blobs: [(digest: Digest, byteCount: Int64)] = []
  /// Files under the hidden names that `NewFile` gives.
  var leftovers: [(path: FilePath, byteCount: Int64)] = []

  /// Lists the directories of algorithms that are known; everything else there is none of ours.
  static func contents(of layout: FilePath) throws(FileError) -> BlobDirectory {
    var found = BlobDirectory()
    for algorithm in DigestAlgorithm.allCases {
      let directory = layout.appending("blobs").appending(algorithm.rawValue)
      for name in try names(in: directory) {
        let path = directory.appending(name)
        var status = stat()
        guard lstat(path.string, &status) == 0 else { continue }
        let kind = status.st_mode & S_IFMT
        if let digest = try? Digest(parsing: "\(algorithm.rawValue):\(name)"),
          kind == S_IFREG || kind == S_IFLNK
        {
          found.blobs.append((digest, Int64(status.st_size)))
        } else if kind == S_IFREG, name.hasPrefix("."), name.contains(".cooper-") {
          found.leftovers.append((path, Int64(status.st_size)))
        }
      }
    }
    found.blobs.sort { "\($0.digest)" < "\($1.digest)" }
    return found
  }

  private static func names(in directory: FilePath) throws(FileError) -> [String] {
    guard let listing = opendir(directory.string) else {
      if errno == ENOENT { return [] }
      throw FileError("read", directory.string, Errno(rawValue: errno))
    }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names
  }
}
