import Foundation
import Synchronization

/// An HTTP/1.1 server on a free port of 127.0.0.1 that answers one request per connection.
final class SmallHTTPServer: Sendable {
  /// A request, with the names of its headers in lower case.
  struct Request: Sendable {
    var method = ""
    var path = ""
    var query = ""
    var headers: [String: String] = [:]
    var body = ""
  }

  /// A response with a JSON body.
  struct Response: Sendable {
    let status: Int
    let body: String
    var headers: [String: String] = [:]
  }

  let port: Int
  private let listener: Mutex<Int32>

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError.system("socket", errno) }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    // Port 0: the kernel chooses, and no other server can come in between.
    let bound = Port.withLoopbackAddress(0) { bind(descriptor, $0, $1) }
    let listening = bound == 0 && listen(descriptor, 64) == 0
    let named = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard listening, named == 0 else {
      close(descriptor)
      throw TestSupportError.system("listen on 127.0.0.1", errno)
    }
    port = Int(in_port_t(bigEndian: address.sin_port))
    listener = Mutex(descriptor)
  }

  deinit { stop() }

  /// Answers requests, each in a task of its own, until `stop()`.
  func run(_ answer: @escaping @Sendable (Request) async -> Response) {
    let descriptor = listener.withLock { $0 }
    Thread.detachNewThread {
      while true {
        let connection = DescriptorInheritance.lock.withLock { _ in
          Self.acceptNow(descriptor)
        }
        guard let connection else {
          // Closed here and nowhere else: a number that another descriptor has got by now must not be accepted from.
          close(descriptor)
          return
        }
        guard connection >= 0 else {
          var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
          _ = poll(&entry, 1, 1000)
          continue
        }
        Thread.detachNewThread { Self.serve(connection, answer) }
      }
    }
  }

  /// Stops accepting connections.
  func stop() {
    listener.withLock { descriptor in
      guard descriptor >= 0 else { return }
      shutdown(descriptor, Int32(SHUT_RDWR))
      descriptor = -1
    }
  }

  /// A connection, -1 when none is waiting, or nil when the server has been stopped.
  private static func acceptNow(_ descriptor: Int32) -> Int32? {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    let connection = accept(descriptor, nil, nil)
    guard connection >= 0 else { return errno == EAGAIN || errno == EINTR ? -1 : nil }
    _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
    return connection
  }

  private static func serve(_ connection: Int32, _ answer: @escaping @Sendable (Request) async -> Response) {
    guard let request = readRequest(connection) else {
      close(connection)
      return
    }
    Task {
      let response = await answer(request)
      var head = "HTTP/1.1 \(response.status) Status\r\nContent-Type: application/json\r\n"
      for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
      head += "Content-Length: \(response.body.utf8.count)\r\nConnection: close\r\n\r\n"
      var bytes = Array((head + response.body).utf8)[...]
      while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes {
          send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { break }
        bytes = bytes.dropFirst(count)
      }
      close(connection)
    }
  }

  private static func readRequest(_ connection: Int32) -> Request? {
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      if let request = Request(data) { return request }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0, data.count < 1 << 20 else { return nil }
      data.append(contentsOf: buffer[..<count])
    }
  }
}

extension SmallHTTPServer.Request {
  /// Nil as long as the request is not complete.
  init?(_ data: Data) {
    guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let first = lines[0].split(separator: " ").map(String.init)
    guard first.count == 3 else { return nil }
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1] }
    }
    let content = data[end.upperBound...]
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    guard content.count >= length else { return nil }
    method = first[0]
    let target = first[1].split(separator: "?", maxSplits: 1).map(String.init)
    (path, query) = (target[0], target.count > 1 ? target[1] : "")
    body = String(decoding: content.prefix(length), as: UTF8.self)
  }
}
