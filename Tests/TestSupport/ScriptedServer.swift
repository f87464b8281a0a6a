import Glibc
import Synchronization

/// An HTTP/1.1 server on 127.0.0.1 that says what a test tells it to, also when that is wrong.
///
/// ```swift
/// let server = try ScriptedServer { request in
///   request.path == "/v2/" ? .ok("{}") : .ok(blob).cut(after: 1000)
/// }
/// defer { server.stop() }
/// … server.url("/v2/") …
/// #expect(server.requests.map(\.target) == ["/v2/"])
/// ```
///
/// The handler runs on the thread of the connection, several at once; it may block, and it may capture other
/// servers' URLs. Connections are kept alive unless the reply or the client says otherwise. Nothing but the
/// handler decides what is answered.
public final class ScriptedServer: Sendable {
  /// Answers one request.
  public typealias Handler = @Sendable (RecordedRequest) -> ScriptedReply

  /// The port, chosen by the system.
  public let port: Int

  private struct State {
    var requests: [RecordedRequest] = []
    var open: [Int: CInt] = [:]
    var connectionCount = 0
    var isStopped = false
  }

  private let listener: CInt
  private let state = Mutex(State())
  private let handler: Handler
  private let wantedByteCount: @Sendable (RecordedRequest) -> Int?

  /// A server that is ready when this returns.
  ///
  /// It must be stopped, or it stays until the process ends.
  ///
  /// - Parameter reading: how much of a request's body is read before the handler is asked, for a request without its body;
  ///   nil for all of it. The connection is of no use afterwards when more was to come: the reply should close it. With 0,
  ///   `Expect: 100-continue` is not answered.
  public init(
    reading: @escaping @Sendable (RecordedRequest) -> Int? = { _ in nil }, _ handler: @escaping Handler
  ) throws {
    self.handler = handler
    wantedByteCount = reading
    (listener, port) = try Self.listen()
    startThread { self.acceptConnections() }
  }

  /// `http://127.0.0.1:PORT`.
  public var origin: String { "http://127.0.0.1:\(port)" }

  /// The URL of `target`, which begins with `/`.
  public func url(_ target: String) -> String { origin + target }

  /// All requests so far that arrived in full, in the order in which they did.
  public var requests: [RecordedRequest] { state.withLock { $0.requests } }

  /// The number of connections that were accepted.
  public var connectionCount: Int { state.withLock { $0.connectionCount } }

  /// The number of connections that are open now.
  public var openConnectionCount: Int { state.withLock { $0.open.count } }

  /// Closes the port and every connection; stalled replies end.
  ///
  /// Later calls do nothing.
  public func stop() {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.isStopped = true
      // Shutting down wakes the threads that wait in accept, recv, send and poll; they close what is theirs.
      shutdown(listener, CInt(SHUT_RDWR))
      for socket in state.open.values { shutdown(socket, CInt(SHUT_RDWR)) }
    }
  }

  // MARK: Threads

  static func listen() throws -> (CInt, Int) {
    let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw SocketError(errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let worked = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, length) == 0 && Glibc.listen(listener, 128) == 0
          && getsockname(listener, pointer, &length) == 0
      }
    }
    guard worked else { throw SocketError(errno) }
    return (listener, Int(UInt16(bigEndian: address.sin_port)))
  }

  private func acceptConnections() {
    while true {
      let socket = accept(listener, nil, nil)
      if socket < 0, errno == EINTR || errno == ECONNABORTED { continue }
      let number: Int? = state.withLock { state in
        guard socket >= 0, !state.isStopped else { return nil }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        state.connectionCount += 1
        state.open[state.connectionCount] = socket
        return state.connectionCount
      }
      guard let number else {
        if socket >= 0 { close(socket) }
        break
      }
      startThread { self.serve(socket, number) }
    }
    close(listener)
  }

  private func serve(_ socket: CInt, _ number: Int) {
    var connection = ScriptedConnection(socket, number: number)
    while let request = connection.readRequest(wantedByteCount) {
      state.withLock { $0.requests.append(request) }
      guard connection.send(handler(request), to: request) else { break }
    }
    state.withLock { state in
      state.open[number] = nil
      close(socket)
    }
  }
}

/// A system call on a socket failed.
public struct SocketError: Error, CustomStringConvertible {
  /// The system's number.
  public let code: CInt
  init(_ code: CInt) { self.code = code }
  /// The system's words.
  public var description: String { String(cString: strerror(code)) }
}

/// Runs `body` on a detached thread: it may block for as long as it likes.
func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
      return nil
    }, Unmanaged.passRetained(Body(body)).toOpaque())
  precondition(code == 0, "no thread for the scripted server")
  pthread_detach(thread)
}
