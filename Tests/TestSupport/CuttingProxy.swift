import Glibc
import Synchronization

/// A TCP proxy on 127.0.0.1 in front of another port, which breaks connections in the middle of what the client sends.
public final class CuttingProxy: Sendable {
  /// The port, chosen by the system.
  public let port: Int
  /// `127.0.0.1:PORT`.
  public var address: String { "127.0.0.1:\(port)" }

  private struct State {
    var connectionCount = 0
    var sockets: Set<CInt> = []
    var isStopped = false
  }

  private let listener: CInt
  private let target: Int
  private let limit: @Sendable (Int) -> Int?
  private let state = Mutex(State())

  /// A proxy that is ready when this returns.
  ///
  /// - Parameter cutting: after how many bytes from the client the connection of that number (from 1) breaks, if it does.
  public init(to port: Int, cutting limit: @escaping @Sendable (Int) -> Int?) throws {
    target = port
    self.limit = limit
    (listener, self.port) = try ScriptedServer.listen()
    startThread { self.accept() }
  }

  /// The number of connections that were accepted.
  public var connectionCount: Int { state.withLock { $0.connectionCount } }

  /// Closes the port and all connections.
  public func stop() {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.isStopped = true
      shutdown(listener, CInt(SHUT_RDWR))
      for socket in state.sockets { shutdown(socket, CInt(SHUT_RDWR)) }
    }
  }

  private func accept() {
    while true {
      let client = Glibc.accept(listener, nil, nil)
      guard client >= 0 else { break }
      let server = ScriptedServer.connect(to: target)
      let number: Int? = state.withLock { state in
        guard !state.isStopped, server >= 0 else { return nil }
        state.connectionCount += 1
        state.sockets.formUnion([client, server])
        return state.connectionCount
      }
      guard let number else {
        close(client)
        if server >= 0 { close(server) }
        continue
      }
      startThread { self.serve(client, server, limit: self.limit(number) ?? .max) }
    }
    close(listener)
  }

  private func serve(_ client: CInt, _ server: CInt, limit: Int) {
    let back = Mutex(false)
    startThread {
      Self.copy(from: server, to: client, limit: .max)
      shutdown(client, CInt(SHUT_RDWR))
      back.withLock { $0 = true }
    }
    Self.copy(from: client, to: server, limit: limit)
    shutdown(server, CInt(SHUT_RDWR))
    shutdown(client, CInt(SHUT_RDWR))
    while !back.withLock({ $0 }) { usleep(1000) }
    state.withLock { state in
      state.sockets.subtract([client, server])
      close(client)
      close(server)
    }
  }

  private static func copy(from source: CInt, to target: CInt, limit: Int) {
    var rest = limit
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while rest > 0 {
      let count = recv(source, &buffer, min(rest, buffer.count), 0)
      guard count > 0 else { return }
      var sent = 0
      while sent < count {
        let more = buffer.withUnsafeBytes {
          send(target, $0.baseAddress.map { $0 + sent }, count - sent, CInt(MSG_NOSIGNAL))
        }
        guard more > 0 else { return }
        sent += more
      }
      rest -= count
    }
  }
}

extension ScriptedServer {
  /// A connection to a port of 127.0.0.1, or -1.
  static func connect(to port: Int) -> CInt {
    let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    address.sin_port = in_port_t(port).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let worked = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, length) == 0 }
    }
    if worked { return socket }
    close(socket)
    return -1
  }
}
