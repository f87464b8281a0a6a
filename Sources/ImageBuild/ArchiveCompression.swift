import ArchiveIO
import ImageArchive
import SystemPackage

/// Compresses an archive while it is written: the writer fills a pipe, and what comes out is compressed into the output.
struct ArchiveCompression {
  let compressor: Compression
  let output: ArchiveOutput

  /// Runs `write` with the beginning of the pipe.
  ///
  /// - Throws: what `write` throws, before anything that the other side throws because of that.
  func run<Value: Sendable>(_ write: (ArchiveOutput) throws -> Value) throws -> Value {
    let ends = try FileDescriptor.pipe()
    ends.writeEnd.enlargePipe()
    let compressed = Promise<Void>()
    Thread.detach { [self] in
      compressed.fulfil(Result { try compress(ends.readEnd) })
      try? ends.readEnd.close()
    }
    let value = Result { try write(.pipe(ends.writeEnd)) }
    try ends.writeEnd.close()
    let outcome = Result { try compressed.value() }
    // When compressing fails, the writer only sees a pipe that nobody reads.
    if case .failure(let error) = outcome, !(error is CancellationError) {
      if case .failure(let cause) = value, !Self.isBrokenPipe(cause) { throw cause }
      throw error
    }
    return try value.get()
  }

  private static func isBrokenPipe(_ error: any Error) -> Bool { (error as? FileError)?.errno == .brokenPipe }

  private func compress(_ pipe: FileDescriptor) throws {
    try output.write(compressor.compress(DescriptorSource(pipe, name: "the archive"), .archive))
  }
}
