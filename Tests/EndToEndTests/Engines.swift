import Hashing
import OrderedJSON
import TestSupport
import Testing

/// The engines on one workplace: each has its images there, and nothing of the machine's.
struct Engines {
  let place: Workplace

  private var environment: [String: String] {
    [
      "HOME": place.home.path, "XDG_RUNTIME_DIR": place.home.path, "TMPDIR": place.home.path,
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    ]
  }

  private var storage: [String] {
    [
      "--root", place.home.appending("storage"), "--runroot", place.home.appending("run"),
      "--storage-driver", "vfs",
    ]
  }

  static var docker: DockerDaemon {
    get throws { try #require(DockerDaemon.current, "the suite has no daemon") }
  }

  /// Runs podman in the workplace's directory.
  ///
  /// It makes a name of a layout's path, and fails on capital letters, which directories of tests have: relative paths are needed.
  @discardableResult
  func podman(_ arguments: [String]) async throws -> Program.Result {
    try Program.require("podman", package: "podman")
    let options = ["--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc"]
    return try await Program.check(
      "podman", storage + options + arguments, environment: environment,
      workingDirectory: place.directory.path)
  }

  @discardableResult
  func buildah(_ arguments: [String]) async throws -> Program.Result {
    try Program.require("buildah", package: "buildah")
    return try await Program.check(
      "buildah", storage + arguments, environment: environment, workingDirectory: place.directory.path)
  }

  @discardableResult
  func skopeo(_ arguments: [String]) async throws -> Program.Result {
    try Program.require("skopeo", package: "skopeo")
    return try await Program.check(
      "skopeo", ["--override-arch", "amd64"] + arguments, environment: environment)
  }

  @discardableResult
  func umoci(_ arguments: [String]) async throws -> Program.Result {
    try Program.require("umoci", package: "umoci")
    return try await Program.check("umoci", arguments, environment: environment)
  }

  /// What a container of an image prints when it is run by podman, without a network.
  func podmanRun(_ image: String, _ command: [String]) async throws -> String {
    // Podman would raise the limits above what a machine that is itself a container has.
    let limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
    return try await podman(
      ["run", "--rm", "--network", "none", "--log-driver", "none"] + limits + [image] + command
    ).text
  }

  /// Runs cooper, which must end with status 0.
  @discardableResult
  func cooper(_ arguments: [String]) async throws -> Program.Result {
    try await Program.check(
      Program.builtTool, arguments,
      environment: ["HOME": place.home.path, "XDG_CACHE_HOME": place.home.appending(".cache")])
  }

  func path(_ name: String) -> String { place.directory.appending(name) }

  /// What `cooper inspect` knows of a location.
  func facts(_ location: String) async throws -> JSONValue {
    try JSONValue(parsing: await cooper(["inspect", location, "--json", "--arch", "amd64"]).output)
  }

  /// The diff IDs of a location's image.
  func diffIDs(_ location: String) async throws -> [String] {
    try await facts(location)["layers"]?.array?.compactMap { $0["diffID"]?.string } ?? []
  }

  /// The digest of a location's manifest, as skopeo reads it.
  func digestBySkopeo(_ location: String) async throws -> String {
    Digest(of: try await skopeo(["inspect", "--raw", location]).output).description
  }
}
