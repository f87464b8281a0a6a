import CZstd
import Glibc

/// Compresses with zstd at level 3 on all cores, with a check sum, giving the same bytes on any number of them.
final class ZstdCompressor: ByteSource {
  private static let level: Int32 = 3

  private let source: BufferedSource
  private let context: OpaquePointer
  private var hasEnded = false

  init(_ source: any ByteSource) throws(DecompressionError) {
    guard let context = ZSTD_createCCtx() else {
      throw DecompressionError(.zstd, "no memory for a compressor")
    }
    self.context = context
    self.source = BufferedSource(source, capacity: 1 << 20)
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    // Output of one worker and of several is the same; without workers it would be another.
    let workers = Thread.width
    ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, Int32(workers))
  }

  deinit { ZSTD_freeCCtx(context) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    while output.pos == 0, !hasEnded {
      let bytes = try source.peek(1)
      var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
      let isLast = bytes.isEmpty
      let rest = ZSTD_compressStream2(context, &output, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
      if ZSTD_isError(rest) != 0 {
        throw DecompressionError(.zstd, String(cString: ZSTD_getErrorName(rest)))
      }
      source.skip(input.pos)
      hasEnded = isLast && rest == 0
    }
    return output.pos
  }
}
