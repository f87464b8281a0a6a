import ArchiveIO
import ImageArchive

/// The contents of files of one layer, in the order of its tar.
struct LayerContents {
  private let reader: TarReader
  private let subject: String

  /// Opens the layer; `subject` is for messages.
  init(_ layer: Layer, subject: String) throws {
    let stored = BufferedSource(try layer.content.open())
    let compression = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    self.init(
      compression == .none ? stored : BufferedSource(try compression.decompress(stored)), subject: subject)
  }

  /// The contents of files of an uncompressed tar.
  init(_ tar: any SkippableSource, subject: String) {
    self.subject = subject
    reader = TarReader(tar)
  }

  /// The content of the current member.
  struct File {
    fileprivate let reader: TarReader
    fileprivate let subject: String

    /// Fills all of `space`.
    ///
    /// - Throws: `FileChanged` when there is not as much.
    func read(exactly space: UnsafeMutableRawBufferPointer) throws {
      guard try reader.readFully(into: space) == space.count else { throw FileChanged(path: subject) }
    }
  }

  /// Calls `body` with each of these members, which are numbers in order and may be there several times.
  func forEach(of members: [Int], _ body: (Int, File) throws -> Void) throws {
    var rest = members[...]
    var number = 0
    while let wanted = rest.first, try reader.next() != nil {
      if wanted == number {
        rest = rest.drop { $0 == number }
        try body(number, File(reader: reader, subject: subject))
      }
      number += 1
    }
    guard rest.isEmpty else { throw FileChanged(path: subject) }
  }
}
