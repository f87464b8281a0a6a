public import ArchiveIO
import Glibc
import Hashing
public import SystemPackage

/// Where an archive goes.
public enum ArchiveOutput: Sendable {
  /// A file that is open for reading and writing and empty.
  case file(DirectFile)
  /// Anything that takes bytes in order.
  case pipe(FileDescriptor)
  /// Nowhere: only its digest is wanted.
  case nowhere
}

extension ArchiveOutput {
  /// The output as something that takes bytes in order.
  func makeTarget(computingDigest: Bool = false) throws -> any SequentialTarget {
    switch self {
    case .file(let file): FileTarget(file)
    case .pipe(let descriptor): try PipeTarget(descriptor, computesDigest: computingDigest)
    case .nowhere: HashTarget()
    }
  }

  /// Writes everything that `source` gives, and ends the output.
  public func write(_ source: any ByteSource) throws {
    let target = try makeTarget()
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 8))
    try target.take(source, filler)
    _ = try target.finish()
  }
}

extension SequentialTarget {
  /// Takes everything that `source` gives, through blocks of `filler`.
  func take(_ source: any ByteSource, _ filler: BlockFiller) throws {
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { return }
      try take(part)
    }
  }
}

/// Where an archive goes that is written in order.
protocol SequentialTarget: AnyObject {
  func take(_ part: FilledPart) throws
  /// Ends the output and gives its digest, when that was asked for.
  func finish() throws -> Digest?
  /// A way back to this point, for targets that have one.
  func makeReturn() throws -> (() -> Void)?
}

/// A pipe, a terminal, a device: bytes in order, and perhaps their digest.
final class PipeTarget: SequentialTarget {
  /// A descriptor of our own.
  ///
  /// After an error, writes may still be waiting when the caller has closed his, and its number may be another file by then.
  private final class Output: Sendable {
    let descriptor: FileDescriptor

    init(duplicating original: FileDescriptor) throws(FileError) {
      let copy = fcntl(original.rawValue, F_DUPFD_CLOEXEC, 0)
      guard copy >= 0 else { throw FileError("write to", "the output", Errno(rawValue: errno)) }
      descriptor = FileDescriptor(rawValue: copy)
    }

    deinit { close(descriptor.rawValue) }
  }

  private let output: Output
  private let writing = Worker()
  private let hash: HashStage?

  init(_ descriptor: FileDescriptor, computesDigest: Bool) throws(FileError) {
    output = try Output(duplicating: descriptor)
    descriptor.enlargePipe()
    hash = computesDigest ? HashStage(.sha256, on: Worker()) : nil
  }

  func take(_ part: FilledPart) throws {
    let output = output
    try writing.submit { try part.write(to: output.descriptor) }
    try hash?.update(part)
  }

  func finish() throws -> Digest? {
    try writing.finish()
    return try hash?.digest()
  }

  func makeReturn() throws -> (() -> Void)? { nil }
}

/// A new file.
final class FileTarget: SequentialTarget {
  private let writer: BlockWriter

  init(_ file: DirectFile) { writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 4)) }

  func take(_ part: FilledPart) throws { try writer.append(part) }

  func finish() throws -> Digest? {
    try writer.finish()
    return nil
  }

  func makeReturn() throws -> (() -> Void)? { nil }
}

/// Only the digest.
final class HashTarget: SequentialTarget {
  private var hash = HashStage(.sha256, on: Worker())

  func take(_ part: FilledPart) throws { try hash.update(part) }
  func finish() throws -> Digest? { try hash.digest() }

  func makeReturn() throws -> (() -> Void)? {
    let saved = try hash.copy()
    return { [self] in hash = saved }
  }
}
