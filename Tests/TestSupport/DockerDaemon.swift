import Foundation

/// Debian's dockerd with everything it has in a temporary directory: no network, no rule of the firewall, no image.
///
/// Needs root.
public final class DockerDaemon: Sendable {
  /// The daemon of the suite that is running; see `WithDockerDaemon`.
  @TaskLocal public static var current: DockerDaemon?

  private let directory: TemporaryDirectory
  private let server: ServerProcess

  /// Starts a daemon and waits until it answers.
  ///
  /// - Parameter storageDriver: `vfs` copies, and works everywhere; `overlay2` needs a kernel and a file system that can.
  public static func start(storageDriver: String = "vfs") async throws -> DockerDaemon {
    guard geteuid() == 0 else { throw TestSupportError.needsRoot("dockerd") }
    try Program.require("containerd", package: "containerd")
    try Program.require("runc", package: "runc")
    let directory = try TemporaryDirectory()
    // Settings of the machine's own daemon must have no say.
    let settings = try directory.write("{}", to: "daemon.json")
    let server = try await ServerProcess.start(
      "dockerd", package: "docker.io",
      arguments: [
        "--config-file", settings, "--data-root", directory.appending("data"),
        "--exec-root", directory.appending("exec"), "--pidfile", directory.appending("pid"),
        "--host", "unix://\(directory.appending("socket"))", "--bridge", "none", "--iptables=false",
        "--ip6tables=false", "--ip-masq=false", "--storage-driver", storageDriver,
      ],
      log: directory.appending("log"),
      // Debian has runc and containerd where not every shell of root looks.
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory.path],
      isReady: {
        let log = (try? directory.read("log")).map { String(decoding: $0, as: UTF8.self) }
        return log?.contains("API listen on") == true
      })
    return DockerDaemon(directory: directory, server: server)
  }

  private init(directory: TemporaryDirectory, server: ServerProcess) {
    self.directory = directory
    self.server = server
  }

  /// Stops the daemon and removes its images.
  public func stop() {
    server.stop()
    directory.remove()
  }

  /// Runs Debian's client, which must end with status 0.
  @discardableResult
  public func docker(_ arguments: [String], input: [UInt8] = []) async throws -> Program.Result {
    // By its path: a newer client that somebody put in front of it may refuse so old a daemon.
    try await Program.check(
      "/usr/bin/docker", ["--host", "unix://\(directory.appending("socket"))"] + arguments,
      environment: ["HOME": directory.path], input: input)
  }
}
