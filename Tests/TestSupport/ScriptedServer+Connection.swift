import Glibc

/// One accepted connection, read and written with blocking calls by the thread it belongs to.
struct ScriptedConnection {
  private let socket: CInt
  private let number: Int
  /// What was received and not yet used.
  private var received: [UInt8] = []

  init(_ socket: CInt, number: Int) {
    self.socket = socket
    self.number = number
    var on: CInt = 1
    setsockopt(socket, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
  }

  // MARK: Requests

  /// The next request; nil when the connection has ended or what came is no request.
  mutating func readRequest(_ wantedByteCount: (RecordedRequest) -> Int?) -> RecordedRequest? {
    // A TLS greeting, for instance, need not have the line end that one would wait for.
    guard !received.isEmpty || receive(), received[0] > 0x20, let first = readLine() else { return nil }
    let words = first.split(separator: " ")
    guard words.count == 3 else { return nil }
    var headers: [(name: String, value: String)] = []
    while let line = readLine(), !line.isEmpty {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      headers.append((String(parts[0]), String(parts[1].drop { $0 == " " })))
    }
    var request = RecordedRequest(
      connection: number, method: String(words[0]), target: String(words[1]), headers: headers, body: [])
    let wanted = wantedByteCount(request)
    if request.header("expect")?.lowercased() == "100-continue", wanted != 0 {
      guard send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return nil }
    }
    let isChunked = request.header("transfer-encoding")?.lowercased() == "chunked"
    let byteCount = min(Int(request.header("content-length") ?? "0") ?? 0, wanted ?? .max)
    guard let body = isChunked ? readChunks() : read(byteCount) else { return nil }
    request.body = body
    return request
  }

  private mutating func readChunks() -> [UInt8]? {
    var body: [UInt8] = []
    while let line = readLine(), let count = Int(line.prefix { $0 != ";" }, radix: 16) {
      guard count > 0 else { return readLine() == nil ? nil : body }
      guard let chunk = read(count), readLine() == "" else { return nil }
      body += chunk
    }
    return nil
  }

  private mutating func readLine() -> String? {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        var line = received[..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        received.removeSubrange(...end)
        return text
      }
      guard receive() else { return nil }
    }
  }

  private mutating func read(_ byteCount: Int) -> [UInt8]? {
    while received.count < byteCount { guard receive() else { return nil } }
    let bytes = Array(received[..<byteCount])
    received.removeSubrange(..<byteCount)
    return bytes
  }

  private mutating func receive() -> Bool {
    let piece = [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
      count = max(0, recv(socket, buffer.baseAddress, buffer.count, 0))
    }
    received += piece
    return !piece.isEmpty
  }

  // MARK: Replies

  /// Sends a reply; false when the connection is over.
  func send(_ reply: ScriptedReply, to request: RecordedRequest) -> Bool {
    if reply.delayMilliseconds > 0 { wait(milliseconds: reply.delayMilliseconds) }
    if case .raw = reply.framing {} else { guard send(head(of: reply)) else { return false } }
    guard request.method == "HEAD" || sendBody(of: reply) else { return false }
    switch reply.ending {
    case .keepAlive: return request.header("connection")?.lowercased() != "close"
    case .close: finish()
    case .reset: armReset()
    case .stall: wait(milliseconds: -1)
    }
    return false
  }

  private func head(of reply: ScriptedReply) -> [UInt8] {
    var text = "HTTP/1.1 \(reply.status) Scripted\r\n"
    for (name, value) in reply.headers { text += "\(name): \(value)\r\n" }
    switch reply.framing {
    case .contentLength(let declared):
      let hasNone = reply.status < 200 || reply.status == 204 || reply.status == 304
      if !hasNone { text += "Content-Length: \(declared ?? reply.body.count)\r\n" }
    case .chunked: text += "Transfer-Encoding: chunked\r\n"
    case .untilClose: text += "Connection: close\r\n"
    case .raw: break
    }
    return Array((text + "\r\n").utf8)
  }

  private func sendBody(of reply: ScriptedReply) -> Bool {
    let count = min(reply.body.count, reply.sentByteCount)
    guard case .chunked(let byteCount) = reply.framing else {
      return send(reply.body, 0..<count, paceOf: reply)
    }
    var start = 0
    while start < count {
      // The size line tells the whole chunk, also when the reply ends in the middle of it.
      let whole = min(byteCount, reply.body.count - start)
      let sent = min(whole, count - start)
      guard send(Array((String(whole, radix: 16) + "\r\n").utf8)) else { return false }
      guard send(reply.body, start..<(start + sent), paceOf: reply) else { return false }
      guard sent == whole else { return true }
      guard send([0x0D, 0x0A]) else { return false }
      start += whole
    }
    return reply.sentByteCount < reply.body.count || send(Array("0\r\n\r\n".utf8))
  }

  private func send(_ bytes: [UInt8], _ range: Range<Int>, paceOf reply: ScriptedReply) -> Bool {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = start + min(reply.pieceByteCount, range.upperBound - start)
      guard send(bytes, start..<end) else { return false }
      start = end
      if reply.pieceMilliseconds > 0 { wait(milliseconds: reply.pieceMilliseconds) }
    }
    return true
  }

  private func send(_ bytes: [UInt8], _ range: Range<Int>? = nil) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var rest = UnsafeRawBufferPointer(rebasing: bytes[range ?? 0..<bytes.count])
      while !rest.isEmpty {
        let count = Glibc.send(socket, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
      return true
    }
  }

  /// Waits until the time is over (never, when negative), the client has gone or the server is stopped.
  private func wait(milliseconds: Int) {
    // POLLRDHUP, which Glibc's module does not show: the client has closed its side.
    waitFor(0x2000, milliseconds: CInt(milliseconds))
  }

  /// Ends the sending side.
  ///
  /// Then reads until the client ends too: a close with unread bytes would become a reset.
  private func finish() {
    shutdown(socket, CInt(SHUT_WR))
    var waste = [UInt8](repeating: 0, count: 1 << 12)
    while waitFor(POLLIN, milliseconds: 1000), recv(socket, &waste, waste.count, 0) > 0 {}
  }

  @discardableResult private func waitFor(_ events: CInt, milliseconds: CInt) -> Bool {
    var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
    return poll(&descriptor, 1, milliseconds) > 0
  }

  /// Makes the close that follows a reset.
  private func armReset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }
}
