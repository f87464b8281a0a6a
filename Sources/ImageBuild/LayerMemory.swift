public import ArchiveIO
import Glibc
import Hashing
import ImageArchive
public import SystemPackage

/// Digests of layers that were made before, so that making them again is a single pass.
///
/// A file for each layer, named by what determines its bytes. Losing them costs time and nothing else.
public struct LayerMemory: Sendable {
  private static let maximumAge = 60 * 24 * 60 * 60

  private let directory: FilePath

  /// Opens or creates the directory, readable by its owner only.
  public init(at directory: FilePath) throws(FileError) {
    self.directory = directory
    try PrivateDirectory.create(directory)
  }

  /// What is known of the layer.
  func facts(for fingerprint: String) -> LayerFacts? {
    guard let file = try? DirectFile(reading: path(for: fingerprint), followingLink: false),
      let bytes = try? file.readAll(limit: 200)
    else {
      return nil
    }
    let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    // The last word shows that the file is whole.
    guard words.count == 3, words[2] == "end\n", let diffID = try? Digest(parsing: String(words[0])),
      let byteCount = Int64(words[1])
    else { return nil }
    return LayerFacts(diffID: diffID, byteCount: byteCount)
  }

  /// Keeps the facts, if that is possible.
  func remember(_ facts: LayerFacts, for fingerprint: String) {
    guard let file = try? NewFile(at: path(for: fingerprint)) else { return }
    let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 4096, limit: 2))
    try? writer.append(Array("\(facts.diffID) \(facts.byteCount) end\n".utf8))
    try? writer.finish()
    try? file.commit()
  }

  /// Forgets a layer that turned out to be another.
  func forget(_ fingerprint: String) { unlink(path(for: fingerprint).string) }

  /// Removes what nobody made for two months.
  public func removeOldFiles() {
    guard let folder = try? OpenDirectory(directory), let names = try? folder.names() else { return }
    let now = time(nil)
    for name in names {
      guard let status = try? folder.status(of: name), status.type == .regular,
        Int64(now) - status.modificationTime > Int64(Self.maximumAge)
      else { continue }
      unlink(directory.appending(String(decoding: name, as: UTF8.self)).string)
    }
  }

  private func path(for fingerprint: String) -> FilePath {
    directory.appending("layer-\(Digest(of: Array(fingerprint.utf8)).hex)")
  }
}
