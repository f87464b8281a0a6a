import Foundation

/// Debian's nginx in front of a registry, answering GET of a blob by a redirect to another port, which serves the blob.
///
/// So large registries work: blobs lie in a storage service that must not be sent the registry's credentials.
public final class NginxRedirector: Sendable {
  /// One request that reached the port that serves the blobs.
  public struct BlobRequest: Sendable, Hashable {
    /// Path and query.
    public let path: String
    /// The status of the response.
    public let status: Int
    /// The `Authorization` header as sent; empty when there was none.
    public let authorization: String
    /// The `Range` header as sent; empty when there was none.
    public let range: String
    /// The bytes of the response's body.
    public let byteCount: Int
  }

  /// The port that stands for the registry.
  public let port: Int
  /// `127.0.0.1:PORT`, the host part of a reference.
  public var address: String { "127.0.0.1:\(port)" }
  /// The port that blobs are redirected to.
  public let blobPort: Int

  private let directory: TemporaryDirectory
  private let server: ServerProcess

  /// Starts nginx in front of a registry that speaks plain HTTP.
  ///
  /// Write `defer { redirector.stop() }` after it.
  ///
  /// - Parameter authorization: sent on to the registry by the port that serves the blobs, in place of what the client sent, as
  ///   a storage service has rights of its own; for a registry of `.basic` access, `Basic` and the encoded user and password.
  public static func start(inFrontOf registry: RegistryServer, authorization: String = "") async throws
    -> NginxRedirector
  {
    try Program.require("nginx", package: "nginx-light")
    let directory = try TemporaryDirectory()
    for attempt in 1... {
      let (port, blobPort) = (try Port.free(), try Port.free())
      let text = configuration(directory, registry, ports: (port, blobPort), authorization)
      let file = try directory.write(text, to: "nginx.conf")
      do {
        let server = try await ServerProcess.start(
          "nginx", package: "nginx-light", arguments: ["-p", directory.path, "-c", file], port: port,
          log: directory.appending("log"))
        return NginxRedirector(port: port, blobPort: blobPort, directory: directory, server: server)
      } catch  where attempt < 3 { continue }
    }
    preconditionFailure("the loop ends by returning or throwing")
  }

  private init(port: Int, blobPort: Int, directory: TemporaryDirectory, server: ServerProcess) {
    self.port = port
    self.blobPort = blobPort
    self.directory = directory
    self.server = server
  }

  /// Stops nginx.
  ///
  /// A second call does nothing.
  public func stop() {
    server.stop()
    directory.remove()
  }

  /// The requests that the blobs' port has answered, after its log has been quiet for a moment.
  public func blobRequests() async throws -> [BlobRequest] {
    var before: [UInt8]?
    var log = try directory.read("blobs.log")
    while log != before {
      try await Task.sleep(for: .milliseconds(50))
      before = log
      log = try directory.read("blobs.log")
    }
    return String(decoding: log, as: UTF8.self).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 5, let status = Int(parts[1]), let count = Int(parts[4]) else { return nil }
      return BlobRequest(
        path: parts[0], status: status, authorization: parts[2] == "-" ? "" : parts[2],
        range: parts[3] == "-" ? "" : parts[3], byteCount: count)
    }
  }

  private static func configuration(
    _ directory: TemporaryDirectory, _ registry: RegistryServer, ports: (Int, Int), _ authorization: String
  ) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
      .map { "\($0)_temp_path \(directory.appending($0));" }.joined(separator: "\n  ")
    return """
      daemon off;
      pid \(directory.appending("pid"));
      error_log stderr;
      worker_processes 1;
      \(geteuid() == 0 ? "user root;" : "")
      events { worker_connections 256; }
      http {
        \(temporary)
        log_format blobs '$request_uri\\t$status\\t$http_authorization\\t$http_range\\t$body_bytes_sent';
        access_log off;
        server {
          listen 127.0.0.1:\(ports.0);
          location ~ ^/v2/.+/blobs/sha[0-9]+:[0-9a-f]+$ {
            if ($request_method = GET) { return 307 http://127.0.0.1:\(ports.1)/storage$request_uri?signature=secret; }
            proxy_pass \(registry.url);
            proxy_set_header Host $http_host;
          }
          location / {
            proxy_pass \(registry.url);
            proxy_set_header Host $http_host;
          }
        }
        server {
          listen 127.0.0.1:\(ports.1);
          access_log \(directory.appending("blobs.log")) blobs;
          location /storage/ {
            proxy_pass \(registry.url)/;
            proxy_set_header Authorization "\(authorization)";
            proxy_buffering off;
          }
        }
      }
      """
  }
}
