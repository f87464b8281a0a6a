extension Spool {
  /// Takes everything that `source` gives, blocking the calling thread.
  public func fill(from source: any ByteSource) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try source.read(into: buffer)
      if count == 0 { return }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      while !(try receive(piece.bytes)) { state.wait { $0.isPaused ? nil : () } }
    }
  }
}
