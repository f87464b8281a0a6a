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
    switch compression {
    case .bzip2: archive_read_support_filter_bzip2(archive)
    case .xz: archive_read_support_filter_xz(archive)
    case .zstd: archive_read_support_filter_zstd(archive)
    case .gzip: archive_read_support_filter_gzip(archive)
    case .none: break
    }
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
    var entry: OpaquePointer?
    let status = opened == ARCHIVE_OK ? archive_read_next_header(archive, &entry) : opened
    // A compressed stream of nothing has no entry, but damaged ones are also taken for empty.
    if status != ARCHIVE_OK && status != ARCHIVE_EOF || archive_errno(archive) != 0 { throw failure() }
    if status == ARCHIVE_EOF { try end() }
    guard archive_filter_count(archive) > 1 else {
      throw DecompressionError(compression, "only the first bytes look like it")
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
