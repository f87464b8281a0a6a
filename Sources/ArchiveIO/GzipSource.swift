#if ISAL
  import CISAL

  /// Inflates gzip, one or several members (RFC 1952), with ISA-L.
  ///
  /// As Go's reader does, anything behind the last member is an error, and so is a missing end: a pull
  /// must refuse what skopeo refuses.
  final class GzipSource: ByteSource {
    private let source: BufferedSource
    private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
    private var isBetweenMembers = false

    init(_ source: BufferedSource) {
      self.source = source
      isal_inflate_init(state)
      state.pointee.crc_flag = UInt32(ISAL_GZIP)
    }

    deinit { state.deallocate() }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      while true {
        let input = try source.peek(1)
        if isBetweenMembers {
          if input.isEmpty { return 0 }
          isal_inflate_reset(state)
          state.pointee.crc_flag = UInt32(ISAL_GZIP)
          isBetweenMembers = false
        }
        let count = try inflate(input, into: buffer)
        if count > 0 { return count }
        // Bytes may still be waiting inside the decoder when the input has ended, so ask it before complaining.
        if input.isEmpty, !isBetweenMembers { throw DecompressionError(.gzip, "it ends in the middle") }
      }
    }

    private func inflate(
      _ input: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DecompressionError) -> Int {
      let space = min(buffer.count, Int(UInt32.max))
      state.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      state.pointee.avail_in = UInt32(input.count)
      state.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      state.pointee.avail_out = UInt32(space)
      let status = isal_inflate(state)
      guard status == ISAL_DECOMP_OK else { throw DecompressionError(.gzip, Self.reason(status)) }
      source.skip(input.count - Int(state.pointee.avail_in))
      if state.pointee.block_state == ISAL_BLOCK_FINISH { isBetweenMembers = true }
      return space - Int(state.pointee.avail_out)
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
