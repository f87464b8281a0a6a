/// A request as it arrived.
public struct RecordedRequest: Sendable {
  /// The connection's number, from 1 in the order of their acceptance.
  ///
  /// Equal numbers mean that it was reused.
  public let connection: Int
  /// The method, as sent.
  public let method: String
  /// Path and query, as sent.
  public let target: String
  /// The header fields in order, names as sent.
  public let headers: [(name: String, value: String)]
  /// The body; chunks are joined.
  public internal(set) var body: [UInt8]

  /// The target up to its query.
  public var path: String { String(target.prefix { $0 != "?" }) }

  /// The first value of a field, whatever the case of its name.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// What a scripted server answers, and how it fails to.
///
/// Made by one of the static functions and changed by the methods, which may be chained:
/// `.ok(bytes, ["ETag": "x"]).chunked(4096).reset(after: 10_000)`.
public struct ScriptedReply: Sendable {
  /// How the length of the body is told.
  enum Framing: Sendable {
    case contentLength(Int?)
    case chunked(Int)
    case untilClose
    case raw
  }

  /// What happens after the last byte that is sent.
  enum Ending: Sendable {
    case keepAlive
    case close
    case reset
    case stall
  }

  var status: Int
  var headers: [(String, String)]
  var body: [UInt8]
  var framing = Framing.contentLength(nil)
  var ending = Ending.keepAlive
  var sentByteCount = Int.max
  var pieceByteCount = Int.max
  var pieceMilliseconds = 0
  var delayMilliseconds = 0

  private init(_ status: Int, _ body: [UInt8], _ headers: KeyValuePairs<String, String>) {
    self.status = status
    self.body = body
    self.headers = headers.map { ($0.key, $0.value) }
  }

  // MARK: Made by

  /// A reply with any status, a body and its `Content-Length` (which 1xx, 204 and 304 do not get).
  public static func status(
    _ status: Int, _ body: [UInt8] = [], _ headers: KeyValuePairs<String, String> = [:]
  ) -> ScriptedReply { ScriptedReply(status, body, headers) }

  /// Status 200 and bytes.
  ///
  /// To a HEAD request, the head alone is sent.
  public static func ok(_ body: [UInt8] = [], _ headers: KeyValuePairs<String, String> = [:]) -> ScriptedReply
  {
    ScriptedReply(200, body, headers)
  }

  /// Status 200 and text.
  public static func ok(_ body: String, _ headers: KeyValuePairs<String, String> = [:]) -> ScriptedReply {
    ScriptedReply(200, Array(body.utf8), headers)
  }

  /// A redirect with `Location`.
  public static func redirect(_ status: Int = 307, to location: String) -> ScriptedReply {
    ScriptedReply(status, [], ["Location": location])
  }

  /// These bytes and nothing else: head, lengths and line ends are the test's.
  ///
  /// The connection is closed after them, unless another ending is chosen.
  public static func raw(_ text: String) -> ScriptedReply { raw(Array(text.utf8)) }

  /// These bytes and nothing else, then the connection is closed.
  public static func raw(_ bytes: [UInt8]) -> ScriptedReply {
    var reply = ScriptedReply(0, bytes, [:])
    reply.framing = .raw
    reply.ending = .close
    return reply
  }

  // MARK: Changed by

  /// The same with one more header field.
  public func header(_ name: String, _ value: String) -> ScriptedReply {
    with { $0.headers.append((name, value)) }
  }

  /// The same with a `Content-Length` that need not be true.
  ///
  /// The connection is closed after the body.
  public func declaring(_ byteCount: Int) -> ScriptedReply {
    with {
      $0.framing = .contentLength(byteCount)
      $0.ending = .close
    }
  }

  /// The same in chunks of `byteCount` bytes, without `Content-Length`.
  public func chunked(_ byteCount: Int = 1 << 16) -> ScriptedReply {
    with { $0.framing = .chunked(byteCount) }
  }

  /// The same without any length: the body ends where the connection is closed.
  public func untilClose() -> ScriptedReply {
    with {
      $0.framing = .untilClose
      $0.ending = .close
    }
  }

  /// The same, but after `byteCount` bytes of the body (of everything, for `raw`) the connection is closed in
  /// good order.
  public func cut(after byteCount: Int) -> ScriptedReply { stopping(after: byteCount, .close) }

  /// The same, but after `byteCount` bytes the connection is reset (RST).
  ///
  /// The client may lose what it has not read by then.
  public func reset(after byteCount: Int) -> ScriptedReply { stopping(after: byteCount, .reset) }

  /// The same, but after `byteCount` bytes nothing more comes until the client goes or the server is stopped.
  public func stall(after byteCount: Int) -> ScriptedReply { stopping(after: byteCount, .stall) }

  /// The same, and the connection is closed afterwards, announced by `Connection: close`.
  public func closing() -> ScriptedReply {
    with {
      $0.headers.append(("Connection", "close"))
      $0.ending = .close
    }
  }

  /// The same, `byteCount` bytes at a time with a rest after each piece.
  public func slowly(_ byteCount: Int, everyMilliseconds milliseconds: Int) -> ScriptedReply {
    with {
      $0.pieceByteCount = max(1, byteCount)
      $0.pieceMilliseconds = milliseconds
    }
  }

  /// The same, after a rest before the first byte.
  public func delayed(milliseconds: Int) -> ScriptedReply { with { $0.delayMilliseconds = milliseconds } }

  private func stopping(after byteCount: Int, _ ending: Ending) -> ScriptedReply {
    with {
      $0.sentByteCount = byteCount
      $0.ending = ending
    }
  }

  private func with(_ change: (inout ScriptedReply) -> Void) -> ScriptedReply {
    var copy = self
    change(&copy)
    return copy
  }
}
