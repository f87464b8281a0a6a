import CCurl

/// How far a request's body has got.
struct BodyProgress {
  let source: any RequestBodySource
  /// Bytes that libcurl has taken.
  var takenByteCount: Int64 = 0
  var hasBegun = false
  var hasEnded = false
  var isPaused = false

  init(_ source: any RequestBodySource) {
    self.source = source
    hasEnded = source.byteCount == 0
  }
}

extension Transfer {
  /// Whether the source has given everything.
  ///
  /// True without a body.
  var isBodyTaken: Bool { body?.hasEnded ?? true }

  /// How long almost nothing may happen now.
  var stallSeconds: Int {
    let patience = job.request.patience
    return isBodyTaken ? patience.answerSeconds ?? patience.stallSeconds : patience.stallSeconds
  }

  /// Fills `buffer` with what comes next of the request's body; gives the number of bytes, or libcurl's mark
  /// for a pause or an error.
  func giveBody(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let current = body, !current.hasEnded else { return 0 }
    do {
      if !current.hasBegun {
        try current.source.begin(control: control)
        body?.hasBegun = true
      }
      let rest = current.source.byteCount.map { $0 - current.takenByteCount }
      let space = rest.map { Int(min(Int64(buffer.count), $0)) } ?? buffer.count
      switch try current.source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<space])) {
      case .bytes(let count): return try take(count, of: space)
      case .notYet: return try pauseBody()
      case .end: return try endBody()
      }
    } catch {
      fail(error)
      return Int(CURL_READFUNC_ABORT)
    }
  }

  private func take(_ count: Int, of space: Int) throws -> Int {
    guard (1...max(space, 1)).contains(count) else {
      throw unusableBody("its source gave \(count) bytes where there is room for \(space)")
    }
    body?.takenByteCount += Int64(count)
    if body?.takenByteCount == body?.source.byteCount { try markBodyTaken() }
    return count
  }

  private func endBody() throws -> Int {
    if let byteCount = body?.source.byteCount, let count = body?.takenByteCount, count < byteCount {
      throw unusableBody("its source ended \(byteCount - count) bytes early")
    }
    try markBodyTaken()
    return 0
  }

  /// From here on it is up to the server, which may have a lot to do with what it got.
  private func markBodyTaken() throws {
    body?.hasEnded = true
    try renewStallSeconds()
  }

  /// A source that waits is no server that stalls.
  private func pauseBody() throws -> Int {
    body?.isPaused = true
    if job.request.patience.stallSeconds > 0 { try easy.set(.stallBytesPerSecond, 0) }
    return Int(CURL_READFUNC_PAUSE)
  }

  /// Undoes what `pauseBody` did to the limits.
  func unpauseBody() throws(TransportError) {
    guard body?.isPaused == true else { return }
    body?.isPaused = false
    guard job.request.patience.stallSeconds > 0 else { return }
    try easy.set(.stallBytesPerSecond, job.request.patience.stallBytesPerSecond)
  }

  /// Sends the body once more from `offset` on; false when that is impossible.
  func seekBody(_ offset: Int64) -> Bool {
    guard let current = body, offset >= 0, offset <= current.source.byteCount ?? .max else { return false }
    do {
      if current.hasBegun { try current.source.seek(to: offset) }
      body?.takenByteCount = offset
      body?.hasEnded = offset == current.source.byteCount
      try renewStallSeconds()
      return true
    } catch {
      fail(error)
      return false
    }
  }

  private func renewStallSeconds() throws(TransportError) {
    guard job.request.patience.stallSeconds > 0 else { return }
    try easy.set(.stallSeconds, stallSeconds)
  }

  private func unusableBody(_ reason: String) -> TransportError {
    .other(
      code: Int(CURLE_READ_ERROR.rawValue),
      reason: "the body of \(job.request.method.rawValue) \(job.request.url.redacted): \(reason)")
  }
}
