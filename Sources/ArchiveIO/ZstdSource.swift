import CZstd

extension Compression {
  /// What `zstdContentSize` needs of the beginning, in bytes.
  public static let zstdHeaderByteCount = 18

  /// The number of bytes in the first zstd frame, where its header says so.
  public static func zstdContentSize(_ start: UnsafeRawBufferPointer) -> Int64? {
    let size = ZSTD_getFrameContentSize(start.baseAddress, start.count)
    return size > 0 && size < 1 << 60 ? Int64(size) : nil
  }
}

/// Decompresses zstd, any number of frames, skippable ones included (RFC 8878).
final class ZstdSource: ByteSource {
  /// The largest window that is accepted, 128 MiB: what `zstd` itself accepts without being asked for more.
  private static let windowLog: Int32 = 27

  private let source: BufferedSource
  private let stream: OpaquePointer
  private var isBetweenFrames = true

  init(_ source: BufferedSource) throws(DecompressionError) {
    self.source = source
    guard let stream = ZSTD_createDStream() else { throw DecompressionError(.zstd, "no memory") }
    self.stream = stream
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.windowLog)
  }

  deinit { ZSTD_freeDStream(stream) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let bytes = try source.peek(1)
      if bytes.isEmpty, isBetweenFrames { return 0 }
      var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
      var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let wanted = ZSTD_decompressStream(stream, &output, &input)
      if ZSTD_isError(wanted) != 0 {
        throw DecompressionError(.zstd, String(cString: ZSTD_getErrorName(wanted)))
      }
      source.skip(input.pos)
      isBetweenFrames = wanted == 0
      if output.pos > 0 { return output.pos }
      if bytes.isEmpty, !isBetweenFrames { throw DecompressionError(.zstd, "it ends in the middle") }
    }
  }
}
