import Foundation

/// TCP ports of 127.0.0.1.
public enum Port {
  /// A port that nothing listens on.
  ///
  /// Chosen at random below the range from which the kernel takes ports for outgoing connections, so that none of those gets it
  /// before the server does.
  public static func free() throws -> Int {
    for _ in 0..<100 {
      let port = Int.random(in: 12_000..<32_000)
      if canBind(port) { return port }
    }
    throw TestSupportError.notStarted(server: "a server", log: "no free port found in 100 tries")
  }

  /// Whether a connection to the port is accepted now.
  public static func answers(_ port: Int) -> Bool { withSocket(port, connect) }

  private static func canBind(_ port: Int) -> Bool { withSocket(port, bind) }

  private static func withSocket(
    _ port: Int, _ call: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32
  ) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return withLoopbackAddress(port) { call(descriptor, $0, $1) } == 0
  }

  static func withLoopbackAddress<Result>(
    _ port: Int, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
