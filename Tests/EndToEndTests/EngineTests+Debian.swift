import Foundation
import OrderedJSON
import TestSupport
import Testing

extension EngineTests {
  private static let platforms = ["linux/amd64", "linux/arm64"]
  private static let releases = [(tag: "12", suite: "bookworm"), (tag: "13", suite: "trixie")]

  @Test func `an app moves from Debian 12 to Debian 13, on both its platforms`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let engines = Engines(place: place)
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let (debian, app) = ("\(registry.address)/debian", "\(registry.address)/app")
    try await Self.pushDebian(to: debian, engines)

    try await engines.cooper([
      "append", "\(debian):12", try Self.directory("app", "app/greeting", "the app", in: place), "-o",
      "docker://\(app):plain",
    ])
    try await engines.cooper([
      "mutate", "\(app):plain", "--entrypoint", #"["/bin/cat", "/etc/debian_version", "/app/greeting"]"#,
      "-o", "docker://\(app):12",
    ])
    let before = try await registry.requests().count
    try await engines.cooper([
      "rebase", "\(app):12", "--old-base", "\(debian):12", "--new-base", "\(debian):13", "-o",
      "docker://\(app):13",
    ])
    let requests = try await registry.requests().dropFirst(before)

    // The new base below, the app's own layer on top, and nothing of the old base; no byte of any of them was sent or fetched.
    var sizes: [String: Int] = [:]
    for platform in Self.platforms {
      let (old, new, was, now) = try await (
        Self.layers("\(debian):12", platform, engines), Self.layers("\(debian):13", platform, engines),
        Self.layers("\(app):12", platform, engines), Self.layers("\(app):13", platform, engines)
      )
      #expect(now == new + was.suffix(1) && Set(now).isDisjoint(with: old))
      for layer in now + old { sizes[layer, default: 0] += 1 }
    }
    #expect(sizes.count == 5, "two releases for two platforms, and one layer of the app's for both")
    let transfers = requests.filter { request in
      ["GET", "PUT", "PATCH"].contains(request.method)
        && sizes.keys.contains { request.path.contains($0.dropFirst("sha256:".count)) }
    }
    #expect(transfers.isEmpty, "\(transfers)")

    for (tag, _) in Self.releases {
      try await Engines.docker.docker(["pull", "--quiet", "\(app):\(tag)"])
      let text = try await Engines.docker.docker(["run", "--rm", "--network", "none", "\(app):\(tag)"]).text
      let lines = text.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].hasPrefix("\(tag).") && lines[1] == "the app", "\(text)")
      let flat = engines.path("flat.tar")
      try await engines.cooper(["export", "\(app):\(tag)", "--arch", "arm64", "-o", flat])
      let version = try await Program.check("tar", ["-xOf", flat, "./etc/debian_version"]).text
      #expect(version.hasPrefix("\(tag)."), "\(version)")
    }

    // What stands on Debian 13 cannot be taken off Debian 12.
    let foreign = try await place.cooper([
      "rebase", "\(app):13", "--old-base", "\(debian):12", "--new-base", "\(debian):13", "-o",
      "docker://\(app):foreign",
    ])
    #expect(foreign.status == 3 && foreign.errors.contains("layer 1 of its 2 layers"), "\(foreign.errors)")
  }

  /// Makes an index for each release, of images with what debootstrap unpacks.
  private static func pushDebian(to repository: String, _ engines: Engines) async throws {
    try Program.require("debootstrap", package: "debootstrap")
    try await withThrowingTaskGroup { group in
      for (tag, suite) in releases {
        for platform in platforms {
          group.addTask {
            try await pushDebian(suite, for: platform, as: "\(repository):\(tag)", engines)
          }
        }
      }
      try await group.waitForAll()
    }
    for (tag, _) in releases {
      try await engines.cooper(
        ["index", "create"] + platforms.map { "\(repository):\(tag)-\(architecture(of: $0))" }
          + ["-o", "docker://\(repository):\(tag)"])
    }
  }

  private static func pushDebian(
    _ suite: String, for platform: String, as name: String, _ engines: Engines
  ) async throws {
    let tree = engines.path("\(suite)-\(architecture(of: platform))")
    // The second stage would configure packages by running them, which takes the platform's processor.
    try await Program.check(
      "debootstrap",
      [
        "--foreign", "--variant=minbase", "--arch", architecture(of: platform), suite, tree,
        "http://deb.debian.org/debian",
      ], timeout: .seconds(600))
    try await Program.check(
      "tar", ["--numeric-owner", "--sort=name", "--exclude=./dev/*", "-C", tree, "-cf", "\(tree).tar", "."])
    try FileManager.default.removeItem(atPath: tree)
    try await engines.cooper([
      "append", "scratch", "\(tree).tar", "--platform", platform, "-o",
      "docker://\(name)-\(architecture(of: platform))",
    ])
    try FileManager.default.removeItem(atPath: "\(tree).tar")
  }

  private static func architecture(of platform: String) -> String {
    String(platform.drop { $0 != "/" }.dropFirst())
  }

  private static func layers(_ image: String, _ platform: String, _ engines: Engines) async throws -> [String]
  {
    let facts = try JSONValue(
      parsing: await engines.cooper(["inspect", image, "--json", "--arch", architecture(of: platform)]).output
    )
    return facts["layers"]?.array?.compactMap { $0["digest"]?.string } ?? []
  }
}
