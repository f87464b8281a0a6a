import ArchiveIO
import Hashing
import SystemPackage
import TestSupport

/// A source that never gives more than a few bytes at a time, as a slow network does.
final class PiecewiseSource: ByteSource {
  private var rest: ArraySlice<UInt8>
  private let piece: Int

  init(_ bytes: [UInt8], piece: Int = .max) {
    rest = bytes[...]
    self.piece = piece
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let next = rest.prefix(min(piece, buffer.count))
    buffer.copyBytes(from: next)
    rest = rest.dropFirst(next.count)
    return next.count
  }
}

extension ByteSource {
  /// Everything up to the end, asked for in pieces of `piece` bytes.
  func drain(piece: Int = 64 * 1024) throws -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: piece)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { return all }
      all += buffer[..<count]
    }
  }
}

/// Recognises and decompresses, as the readers of layers do.
func decompress(_ bytes: [UInt8], inputPiece: Int = .max, outputPiece: Int = 64 * 1024) throws -> [UInt8] {
  let source = BufferedSource(PiecewiseSource(bytes, piece: inputPiece))
  let compression = Compression(firstBytes: try source.peek(Compression.signatureByteCount))
  return try compression.decompress(source).drain(piece: outputPiece)
}

/// A directory on a disk, and one in memory.
enum Place: String, CaseIterable, Sendable {
  case disk, memory

  func directory() throws -> TestDirectory {
    switch self {
    case .disk: TestDirectory(try TemporaryDirectory())
    case .memory: TestDirectory(try TemporaryDirectory(in: "/dev/shm"))
    }
  }
}

/// A temporary directory that hands out files as the target takes them.
final class TestDirectory: Sendable {
  let directory: TemporaryDirectory

  init(_ directory: TemporaryDirectory) { self.directory = directory }

  func path(_ name: String) -> FilePath { FilePath(directory.appending(name)) }

  /// A new nameless file.
  func file() throws -> DirectFile { try NewFile(at: path("file")).file }

  func spool(_ algorithm: DigestAlgorithm = .sha256) throws -> Spool {
    Spool(file: try file(), algorithm: algorithm)
  }

  func remove() { directory.remove() }
}

extension DirectFile {
  /// What is in it, read through another descriptor.
  func content() throws -> [UInt8] {
    let again = try FileDescriptor.open("/proc/self/fd/\(fileDescriptor.rawValue)", .readOnly)
    defer { try? again.close() }
    let count = Int(try byteCount())
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while initialized < count {
        let rest = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...])
        let more = try again.read(into: rest)
        if more == 0 { break }
        initialized += more
      }
    }
  }
}
