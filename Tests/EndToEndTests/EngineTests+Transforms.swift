import Foundation
import TestSupport
import Testing

extension EngineTests {
  private static let base =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  @Test func `an appended, changed and rebased image runs in Docker`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let engines = Engines(place: place)
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    for (name, text) in [("base1", "version 1"), ("base2", "version 2")] {
      try await engines.cooper([
        "append", Self.base, try Self.directory(name, "etc/version", text, in: place), "-o",
        "docker://\(registry.address)/base:\(name)",
      ])
    }
    let app = "\(registry.address)/app"
    try await engines.cooper([
      "append", "\(registry.address)/base:base1", try Self.directory("app", "app/name", "the app", in: place),
      "-o", "docker://\(app):plain",
    ])
    try await engines.cooper([
      "mutate", "\(app):plain", "--env", "WHO=cooper", "--workdir", "/app", "--user", "12:34", "--entrypoint",
      #"["/bin/sh", "-c", "cat /etc/version name; echo $WHO; pwd; id -u"]"#, "-o", "docker://\(app):1",
    ])
    try await engines.cooper([
      "rebase", "\(app):1", "--old-base", "\(registry.address)/base:base1", "--new-base",
      "\(registry.address)/base:base2", "-o", "docker://\(app):2",
    ])
    for (tag, version) in [("1", "version 1"), ("2", "version 2")] {
      try await Engines.docker.docker(["pull", "--quiet", "\(app):\(tag)"])
      let run = ["run", "--rm", "--network", "none", "\(app):\(tag)"]
      let lines = try await Engines.docker.docker(run).text.split(separator: "\n").map(String.init)
      #expect(lines == [version, "the app", "cooper", "/app", "12"])
    }
    // The same through a docker-archive.
    let archive = engines.path("app.tar")
    try await engines.cooper([
      "mutate", "\(app):2", "--env", "WHO=archive", "--platform", "linux/amd64", "-o",
      "docker-archive:\(archive):cooper/rebased:1",
    ])
    try await Engines.docker.docker(["load", "--input", archive])
    let run = ["run", "--rm", "--network", "none", "cooper/rebased:1"]
    #expect(try await Engines.docker.docker(run).text.contains("archive"))
  }

  /// A directory with one file.
  static func directory(
    _ directory: String, _ name: String, _ text: String, in place: Workplace
  ) throws -> String {
    let path = place.directory.appending(directory)
    let file = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data((text + "\n").utf8).write(to: file)
    return path
  }
}
