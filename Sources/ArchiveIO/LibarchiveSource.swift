import CArchive
import Glibc

/// Decompresses with one of libarchive's filters: the formats that are too rare to be worth a fast path.
final class LibarchiveSource: ByteSource {
  /// What libarchive's callbacks see.
  ///
  /// It outlives the handle.
  private final class Input {
    let source: BufferedSource
    var pending = 0
    var given: Int64 = 0
    var failure: (any Error)?
    init(_ source: BufferedSource) { self.source = source }
  }

  private let archive: OpaquePointer
  private let input: Input
  private let compression: Compression
  private var hasEnded = false

  init(_ source: BufferedSource, _ compression: Compression) throws {
    guard let archive = archive_read_new() else { throw DecompressionError(compression, "no memory") }
    self.archive = archive
    self.compression = compression
    input = Input(source)
    // Named, not recognised: libarchive would go on to decompress a result that looks compressed itself.
    archive_read_append_filter(archive, Self.filter(compression))
    archive_read_support_format_raw(archive)
    archive_read_support_format_empty(archive)
    try open()
  }

  deinit { archive_read_free(archive) }

  private func open() throws {
    let context = Unmanaged.passUnretained(input).toOpaque()
    let opened = archive_read_open(
      archive, context, nil,
      { archive, context, buffer in
        guard let context else { return -1 }
        let input = Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
        do {
          input.source.skip(input.pending)
          let bytes = try input.source.peek(1)
          input.pending = bytes.count
          input.given += Int64(bytes.count)
          buffer?.pointee = bytes.baseAddress
          return bytes.count
        } catch {
          input.failure = error
          return -1
        }
      }, nil)
    // Opening reads the first bytes. Data damaged there is taken for none at all; only the reason stays behind.
    guard opened == ARCHIVE_OK, archive_errno(archive) == 0 else { throw failure() }
    var entry: OpaquePointer?
    let status = archive_read_next_header(archive, &entry)
    // A compressed stream of nothing has no entry.
    if status == ARCHIVE_EOF { return try end() }
    guard status == ARCHIVE_OK else { throw failure() }
  }

  private static func filter(_ compression: Compression) -> Int32 {
    switch compression {
    case .none: ARCHIVE_FILTER_NONE
    case .gzip: ARCHIVE_FILTER_GZIP
    case .zstd: ARCHIVE_FILTER_ZSTD
    case .bzip2: ARCHIVE_FILTER_BZIP2
    case .xz: ARCHIVE_FILTER_XZ
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if hasEnded { return 0 }
    let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
    guard count >= 0 else { throw failure() }
    if count == 0 { try end() }
    return count
  }

  /// Libarchive's bzip2 filter stops at what is not another stream and says nothing of it.
  private func end() throws {
    hasEnded = true
    let isConsumed = archive_filter_bytes(archive, -1) == input.given
    if isConsumed { input.source.skip(input.pending) }
    input.pending = 0
    guard try isConsumed && input.source.peek(1).isEmpty else {
      throw DecompressionError(compression, "bytes follow the end of the stream")
    }
  }

  private func failure() -> any Error {
    if let failure = input.failure { return failure }
    let reason = archive_error_string(archive).map { String(cString: $0) }
    return DecompressionError(compression, reason ?? "libarchive gives no reason")
  }
}
