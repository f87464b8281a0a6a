import Foundation
import TestSupport

/// nginx with TLS and HTTP/2 on 127.0.0.1, certified by a private authority that is made for it.
final class TLSServer: Sendable {
  let directory: URL
  let port: Int
  private let process: ChildProcess

  static let executable = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// `/connection` answers with the number of the connection, `/body` with the file of that name;
  /// `/forward/` is answered by the server on `plainPort`, and `/small` takes no body over 1 KiB;
  /// `demandsClient` asks for a certificate of the same authority.
  ///
  /// The server is ready when this returns.
  static func start(
    body: [UInt8] = [], speaksTLS: Bool = true, speaksHTTP2: Bool = true, demandsClient: Bool = false,
    forwardingTo plainPort: Int = 1
  ) async throws -> TLSServer {
    // openssl and nginx are waited for; on a thread of the pool that would keep other tests from going on.
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result { try TLSServer(body, speaksTLS, speaksHTTP2, demandsClient, plainPort) })
      }
    }
  }

  private init(
    _ body: [UInt8], _ speaksTLS: Bool, _ speaksHTTP2: Bool, _ demandsClient: Bool, _ plainPort: Int
  ) throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "cooper-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    // A scripted server that is stopped at once finds a free port.
    let finder = try ScriptedServer { _ in .ok() }
    port = finder.port
    finder.stop()
    try Self.makeCertificates(in: directory)
    try Data(body).write(to: directory.appending(path: "body"))
    let configuration = Self.configuration(
      directory.path, port, speaksTLS, speaksHTTP2, demandsClient, plainPort)
    try configuration.write(to: directory.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
    let log = directory.appending(path: "error.log").path
    process = try ChildProcess(
      [
        Self.executable ?? "nginx", "-c", directory.appending(path: "nginx.conf").path, "-p", directory.path,
        "-e", log,
      ])
    while !FileManager.default.fileExists(atPath: path("nginx.pid")) {
      guard process.isRunning else {
        throw ChildProcess.Failure(description: try String(contentsOfFile: log, encoding: .utf8))
      }
      usleep(5000)
    }
  }

  func path(_ name: String) -> String { directory.appending(path: name).path }
  func url(_ target: String, host: String = "localhost") -> String { "https://\(host):\(port)\(target)" }

  func stop() {
    process.terminate()
    process.wait()
    try? FileManager.default.removeItem(at: directory)
  }

  private static func configuration(
    _ root: String, _ port: Int, _ tls: Bool, _ http2: Bool, _ client: Bool, _ plainPort: Int
  ) -> String {
    """
    daemon off; master_process off; pid \(root)/nginx.pid; error_log \(root)/error.log;
    events { worker_connections 256; }
    http {
      access_log off;
      client_body_temp_path \(root)/t1; proxy_temp_path \(root)/t2; fastcgi_temp_path \(root)/t3;
      uwsgi_temp_path \(root)/t4; scgi_temp_path \(root)/t5;
      server {
        listen 127.0.0.1:\(port) \(tls ? "ssl" : "")\(http2 ? " http2" : "");
        ssl_certificate \(root)/server.pem; ssl_certificate_key \(root)/server.key;
        \(client ? "ssl_client_certificate \(root)/ca.pem; ssl_verify_client on;" : "")
        root \(root);
        location = /connection { return 200 "$connection $server_protocol"; }
        location = /upload { client_max_body_size 100m; client_body_in_file_only clean; proxy_pass \
    https://127.0.0.1:\(port)/count; }
        location = /small { client_max_body_size 1k; proxy_pass https://127.0.0.1:\(port)/count; }
        location /forward/ { client_max_body_size 100m; proxy_request_buffering off; proxy_http_version 1.1;
          proxy_pass http://127.0.0.1:\(plainPort); }
        location = /count { client_max_body_size 100m; return 200 "$content_length"; }
      }
    }
    """
  }

  private static func makeCertificates(in directory: URL) throws {
    func path(_ name: String) -> String { directory.appending(path: name).path }
    func certify(_ name: String, _ more: [String]) throws {
      try ChildProcess.run(
        [
          "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days", "2", "-subj", "/CN=Test \(name)", "-keyout", path("\(name).key"), "-out",
          path("\(name).pem"),
        ] + more)
    }
    for name in ["ca", "other"] { try certify(name, []) }
    for (name, host) in [("server", "localhost"), ("client", "client.example")] {
      try certify(
        name,
        [
          "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-addext", "subjectAltName=DNS:\(host)", "-addext",
          "basicConstraints=critical,CA:false",
        ])
    }
  }
}
