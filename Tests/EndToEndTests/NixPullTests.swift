import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// pullImage of tools/nix in Nix's sandbox, against Debian's docker-registry.
@Suite(WithNixStore(), .serialized) struct NixPullTests {
  private static let testdata =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"
  private static let (user, password) = ("somebody", "a:secret")

  /// A registry with an image in it, and what a prefetch says of that.
  private struct Pin {
    let registry: RegistryServer
    let digest: String
    let hash: NixHash

    /// The expression, with more arguments.
    func expression(_ more: String) -> String {
      """
      dockerTools.pullImage {
        imageName = "\(registry.address)/team/busybox"; imageDigest = "\(digest)";
        finalImageName = "final"; finalImageTag = "1"; arch = "amd64"; tlsVerify = false; \(more)
      }
      """
    }
  }

  private static func withPin(
    _ access: RegistryServer.Access = .open, _ body: (Pin) async throws -> Void
  ) async throws {
    let registry = try await RegistryServer.start(access)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let name = "\(registry.address)/team/busybox:1"
    let login = if case .basic = access { ["--creds", "\(user):\(password)"] } else { [String]() }
    func cooper(_ arguments: [String]) async throws -> String {
      let result = try await place.cooper(
        arguments + login, environment: ["PATH": "/nonexistent"])
      #expect(result.status == 0, "\(result.errors)")
      return result.text
    }
    _ = try await cooper(["push", testdata, name, "--all"])
    let facts = try JSONValue(
      parsing: Array(
        try await cooper([
          "prefetch", "--image-name", "\(registry.address)/team/busybox", "--image-tag", "1",
          "--final-image-name",
          "final", "--final-image-tag", "1", "--json", "--quiet",
        ]).utf8))
    let digest = try #require(facts["imageDigest"]?.string)
    let hash = try #require(facts["hash"]?.string)
    try await body(
      Pin(registry: registry, digest: digest, hash: try NixHash(parsing: hash, algorithm: .sha256)))
  }

  @Test func `the right hash in any spelling gives the pinned archive under its final name`() async throws {
    try await Self.withPin { pin in
      let place = try NixPlace.suite
      for more in [
        "hash = \"\(pin.hash.sri)\";", "sha256 = \"\(pin.hash.base32)\";", "sha256 = \"\(pin.hash.hex)\";",
        "sha256 = \"\(pin.hash.sri)\"; os = \"linux\";",
      ] {
        let path = try await place.build(pin.expression(more))
        #expect(path.hasSuffix("-docker-image-final-1.tar"))
        let digest = Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(digest == pin.hash.digest)
        let tags = try await place.repoTags(of: path)
        #expect(tags == ["docker.io/library/final:1"])
      }
      // Again, from the registry.
      let again = try await place.tryToBuild(pin.expression("hash = \"\(pin.hash.sri)\";"), ["--check"])
      #expect(again.status == 0, "\(again.errors)")
      let other = try await place.evaluate(
        "(\(pin.expression("hash = \"\(pin.hash.sri)\"; name = \"own\";"))).name")
      #expect(other == "own")
    }
  }

  @Test(arguments: ["sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""])
  func `a wrong hash is Nix's to tell, with the right one`(hash: String) async throws {
    try await Self.withPin { pin in
      let result = try await NixPlace.suite.tryToBuild(pin.expression("hash = \"\(hash)\";"))
      #expect(result.status == 102, "\(result.errors)")
      #expect(result.errors.contains("hash mismatch") && result.errors.contains(pin.hash.sri))
    }
  }

  @Test func `a hash that was pinned with skopeo is right`() async throws {
    try await Self.withPin { pin in
      let place = try NixPlace.suite
      // What nixpkgs' nix-prefetch-docker does.
      let archive = place.directory.appending("pinned.tar")
      try await Program.check(
        "skopeo",
        [
          "--insecure-policy", "--override-os", "linux", "--override-arch", "amd64", "copy",
          "--src-tls-verify=false", "docker://\(pin.registry.address)/team/busybox@\(pin.digest)",
          "docker-archive:\(archive):final:1",
        ])
      let hash = try await Program.check("nix-hash", ["--flat", "--type", "sha256", "--base32", archive]).text
      let path = try await place.build(pin.expression("sha256 = \"\(hash)\"; name = \"by-skopeo\";"))
      #expect(path.hasSuffix("-by-skopeo"))
    }
  }

  @Test func `a pulled image is a base like any other`() async throws {
    try await Self.withPin { pin in
      let place = try NixPlace.suite
      let base = pin.expression("hash = \"\(pin.hash.sri)\";")
      for function in ["buildImage", "buildLayeredImage"] {
        let path = try await place.build(
          "dockerTools.\(function) { name = \"x\"; fromImage = \(base); extraCommands = \"echo new > new\"; }"
        )
        let files = try await place.files(of: path)
        #expect(files.count == 3)
        #expect(files.joined().contains { $0.hasSuffix("bin/busybox") })
        #expect(files.last?.contains { $0.hasSuffix(" ./new") } == true)
      }
    }
  }

  // MARK: Logins

  /// Docker's file with the login.
  private static func loginFile(_ registry: RegistryServer) -> String {
    let login = Data("\(user):\(password)".utf8).base64EncodedString()
    return #"{"auths": {"\#(registry.address)": {"auth": "\#(login)"}}}"#
  }

  @Test func `without a login a private registry is closed, and the message says so`() async throws {
    try await Self.withPin(.basic(user: Self.user, password: Self.password)) { pin in
      // Under a name of its own: what the store has already is not fetched.
      let result = try await NixPlace.suite.tryToBuild(
        pin.expression("hash = \"\(pin.hash.sri)\"; name = \"by-nobody\";"))
      #expect(result.status != 0 && result.errors.contains("denied"), "\(result.errors)")
    }
  }

  @Test func `a text in DOCKER_AUTH_CONFIG logs in`() async throws {
    try await Self.withPin(.basic(user: Self.user, password: Self.password)) { pin in
      let path = try await NixPlace.suite.build(
        pin.expression("hash = \"\(pin.hash.sri)\"; name = \"by-text\";"),
        environment: ["DOCKER_AUTH_CONFIG": Self.loginFile(pin.registry)])
      #expect(path.hasSuffix("-by-text"))
    }
  }

  @Test(arguments: ["authfile", "REGISTRY_AUTH_FILE"])
  func `a file that the sandbox shows logs in`(way: String) async throws {
    try await Self.withPin(.basic(user: Self.user, password: Self.password)) { pin in
      let place = try NixPlace.suite
      let file = try place.directory.write(Self.loginFile(pin.registry), to: "logins.json")
      let options = ["--option", "sandbox-paths", "/logins.json=\(file)"]
      let argument = way == "authfile" ? "authfile = \"/logins.json\";" : ""
      let path = try await place.build(
        pin.expression("hash = \"\(pin.hash.sri)\"; name = \"by-\(way)\"; \(argument)"), options,
        environment: way == "authfile" ? [:] : [way: "/logins.json"])
      #expect(path.hasSuffix("-by-\(way)"))
    }
  }

  @Test(arguments: ["netrc", "NETRC"])
  func `a netrc file logs in`(way: String) async throws {
    try await Self.withPin(.basic(user: Self.user, password: Self.password)) { pin in
      let place = try NixPlace.suite
      // A netrc knows hosts without ports.
      let text =
        "# all of them\nmachine elsewhere.example.com login x password y\n"
        + "machine 127.0.0.1\n  login \(Self.user)\n  password \(Self.password)\n"
      let file = try place.directory.write(text, to: "netrc")
      let argument = way == "netrc" ? "netrc = \"/netrc\";" : ""
      let path = try await place.build(
        pin.expression("hash = \"\(pin.hash.sri)\"; name = \"by-\(way)\"; \(argument)"),
        ["--option", "sandbox-paths", "/netrc=\(file)"], environment: way == "netrc" ? [:] : [way: "/netrc"])
      #expect(path.hasSuffix("-by-\(way)"))
    }
  }

  @Test(arguments: ["REGISTRY_AUTH_FILE", "NETRC", "CONTAINERS_REGISTRIES_CONF", "NIX_SSL_CERT_FILE"])
  func `a file that the sandbox hides counts for nothing, and is told`(name: String) async throws {
    try await Self.withPin { pin in
      let place = try NixPlace.suite
      // It is there outside.
      let file = try place.directory.write("{}", to: "hidden")
      let result = try await place.tryToBuild(
        pin.expression("hash = \"\(pin.hash.sri)\"; name = \"without-\(name)\";"), environment: [name: file])
      #expect(
        result.status == 0 && result.errors.contains("\(name) is \(file), which this build cannot see"),
        "\(result.errors)")
    }
  }
}
