#if ISAL
  import CISAL

  /// Inflates gzip, one or several members (RFC 1952), with ISA-L.
  ///
  /// As Go's reader does, anything behind the last member is an error, and so is a missing end: a pull
  /// must refuse what skopeo refuses.
  final class GzipSource: ByteSource {
    /// Where in a member the next input byte stands.
    private enum Stage {
      case beforeMember
      case header
      case data
    }

    private let source: BufferedSource
    private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
    // `isal_inflate` reads headers too, but only those that come in one piece: it forgets in between which fields follow.
    private let header = UnsafeMutablePointer<isal_gzip_header>.allocate(capacity: 1)
    private var stage = Stage.beforeMember

    init(_ source: BufferedSource) {
      self.source = source
      isal_inflate_init(state)
    }

    deinit {
      header.deallocate()
      state.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      while true {
        let input = try source.peek(1)
        if stage == .beforeMember {
          if input.isEmpty { return 0 }
          beginMember()
        }
        let count = stage == .header ? try readHeader(input) : try inflate(input, into: buffer)
        if count > 0 { return count }
        // Bytes may still be waiting inside the decoder when the input has ended, so ask it before complaining.
        if input.isEmpty, stage != .beforeMember { throw DecompressionError(.gzip, "it ends in the middle") }
      }
    }

    private func beginMember() {
      isal_inflate_reset(state)
      state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
      isal_gzip_header_init(header)
      stage = .header
    }

    private func readHeader(_ input: UnsafeRawBufferPointer) throws(DecompressionError) -> Int {
      try step(input) { state in
        let status = isal_read_gzip_header(state, header)
        if status == ISAL_DECOMP_OK { stage = .data }
        return status == ISAL_END_INPUT ? ISAL_DECOMP_OK : status
      }
      return 0
    }

    private func inflate(
      _ input: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DecompressionError) -> Int {
      let space = min(buffer.count, Int(UInt32.max))
      state.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      state.pointee.avail_out = UInt32(space)
      try step(input, isal_inflate)
      if state.pointee.block_state == ISAL_BLOCK_FINISH { stage = .beforeMember }
      return space - Int(state.pointee.avail_out)
    }

    /// Lets ISA-L take some of `input`.
    private func step(
      _ input: UnsafeRawBufferPointer, _ decode: (UnsafeMutablePointer<inflate_state>) -> Int32
    ) throws(DecompressionError) {
      state.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      state.pointee.avail_in = UInt32(input.count)
      let status = decode(state)
      guard status == ISAL_DECOMP_OK else { throw DecompressionError(.gzip, Self.reason(status)) }
      source.skip(input.count - Int(state.pointee.avail_in))
    }

    private static func reason(_ status: Int32) -> String {
      switch status {
      case ISAL_INVALID_WRAPPER, ISAL_UNSUPPORTED_METHOD:
        "there is something other than gzip where a member should begin"
      case ISAL_INCORRECT_CHECKSUM: "the check sum is wrong"
      case ISAL_INVALID_BLOCK, ISAL_INVALID_SYMBOL, ISAL_INVALID_LOOKBACK: "invalid deflate data"
      default: "ISA-L says \(status)"
      }
    }
  }
#else
  /// Inflates gzip through libarchive, where ISA-L is not available.
  typealias GzipSource = LibarchiveSource

  extension LibarchiveSource {
    convenience init(_ source: BufferedSource) throws { try self.init(source, .gzip) }
  }
#endif
