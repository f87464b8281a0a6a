import ArchiveIO
import ImageArchive

/// The contents of files of one layer, in the order of its tar.
final class LayerContents {
  private let reader: TarReader
  private let subject: String
  /// The number of the member that comes next.
  private var position = 0

  /// Opens a layer of the image, which is named in messages.
  convenience init(of image: Image, layer number: Int) throws {
    let stored = BufferedSource(try image.layers[number].content.open())
    let compression = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    self.init(
      compression == .none ? stored : BufferedSource(try compression.decompress(stored)),
      subject: "layer \(number + 1) of \(image.layers.count)")
  }

  /// The contents of files of an uncompressed tar.
  init(_ tar: any SkippableSource, subject: String) {
    self.subject = subject
    reader = TarReader(tar)
  }

  /// The content of the current member.
  struct File {
    /// All of it, or what is left.
    let source: any ByteSource
    fileprivate let subject: String

    /// Fills all of `space`.
    ///
    /// - Throws: `FileChanged` when there is not as much.
    func read(exactly space: UnsafeMutableRawBufferPointer) throws {
      guard try source.readFully(into: space) == space.count else { throw FileChanged(path: subject) }
    }
  }

  /// The content of the member with that number, which is behind those asked for before; to be read before the next is asked for.
  ///
  /// - Throws: `FileChanged` when there is none; what reading throws.
  func file(_ number: Int) throws -> File {
    while try reader.next() != nil {
      defer { position += 1 }
      if position == number { return File(source: reader, subject: subject) }
    }
    throw FileChanged(path: subject)
  }

  /// Calls `body` with each of these members, which are numbers in order and may be there several times.
  func forEach(of members: [Int], _ body: (Int, File) throws -> Void) throws {
    var last: Int?
    for number in members where number != last {
      try body(number, file(number))
      last = number
    }
  }
}
