import OCIModel
import Testing

@testable import Registry

@Suite struct RegistriesConfigurationTests {
  private static let digest = "sha256:" + String(repeating: "a", count: 64)

  private func configuration(_ files: String...) throws -> RegistriesConfiguration {
    var result = RegistriesConfiguration()
    for (index, text) in files.enumerated() { try result.merge(Array(text.utf8), file: "\(index).conf") }
    return result
  }

  /// `domain/path`, `!` after it for insecure ones, `~` before it for mirrors.
  private func places(
    _ image: String, in configuration: RegistriesConfiguration,
    for purpose: RegistriesConfiguration.Purpose = .pull
  ) throws -> [String] {
    try configuration.locations(of: Reference(parsing: image), for: purpose).map {
      "\($0.isMirror ? "~" : "")\($0.domain)/\($0.repositoryPath)\($0.isInsecure ? "!" : "")"
    }
  }

  @Test func `without files every image is where its name says`() throws {
    #expect(try places("nix", in: configuration()) == ["docker.io/library/nix"])
    #expect(try places("[::1]:5000/a/b:c", in: configuration()) == ["[::1]:5000/a/b"])
  }

  @Test(
    arguments: [
      // Each prefix, an image, and whether the prefix is about it.
      ("example.com", "example.com/a:b", true),
      ("example.com", "example.com.org/a", false),
      ("example.com", "sub.example.com/a", false),
      ("example.com", "example.com:5000/a", false),
      ("example.com:5000", "example.com:5000/a", true),
      ("example.com:5000", "example.com:50001/a", false),
      ("example.com/a", "example.com/a/b", true),
      ("example.com/a", "example.com/a", true),
      ("example.com/a", "example.com/a:tag", true),
      ("example.com/a", "example.com/a@" + digest, true),
      ("example.com/a", "example.com/ab", false),
      ("example.com/a", "example.com/a-b", false),
      ("example.com/a/", "example.com/a/b", true),
      ("example.com/a:1", "example.com/a:1", true),
      ("example.com/a:1", "example.com/a:1.2", false),
      ("example.com/a:1", "example.com/a:1@" + digest, true),
      ("example.com/a:latest", "example.com/a", true),
      ("example.com/a@" + digest, "example.com/a@" + digest, true),
      ("example.com/a@" + digest, "example.com/a:1@" + digest, false),
      ("docker.io", "nix", true),
      ("docker.io/library", "nix", true),
      ("docker.io/nix", "nix", false),
      ("*.example.com", "a.example.com/x", true),
      ("*.example.com", "a.b.example.com/x", true),
      ("*.example.com", "example.com/x", false),
      ("*.example.com", "badexample.com/x", false),
      ("*.example.com", "a.example.com:5000/x", false),
      ("*.example.com:5000", "a.example.com:5000/x", true),
      ("*.example.com", "other.org/a.example.com", false),
      ("*.example.com", "a.example.com.org/x", false),
    ] as [(String, String, Bool)]) func `a prefix ends where a part of the name ends`(
      prefix: String, image: String, matches: Bool
    ) throws
  {
    let text = "[[registry]]\nprefix = \"\(prefix)\"\nlocation = \"other.net/ns\"\nblocked = true"
    let configuration = try configuration(text)
    if matches {
      #expect(throws: ConfigurationError.self) { try places(image, in: configuration) }
    } else {
      #expect(try places(image, in: configuration).count == 1)
    }
  }

  @Test func `the longest prefix counts, wherever it is written`() throws {
    let configuration = try configuration(
      """
      [[registry]]
      location = "a.com/x/y"
      insecure = true
      [[registry]]
      location = "a.com"
      [[registry]]
      location = "a.com/x"
      blocked = true
      """)
    #expect(try places("a.com/x/y/z", in: configuration) == ["a.com/x/y/z!"])
    #expect(try places("a.com/q", in: configuration) == ["a.com/q"])
    #expect(
      throws: ConfigurationError.blocked(image: "a.com/x/q:1", prefix: "a.com/x", file: "0.conf")
    ) { try places("a.com/x/q:1", in: configuration) }
  }

  @Test(arguments: [
    ("example.com", "mirror.net", "example.com/a/b:1", "~mirror.net/a/b"),
    ("example.com", "mirror.net:5000/cache/", "example.com/a/b:1", "~mirror.net:5000/cache/a/b"),
    ("example.com/a", "mirror.net/z", "example.com/a/b:1", "~mirror.net/z/b"),
    ("example.com/a", "example.com/z", "example.com/a/b:1", "example.com/z/b"),
    ("example.com/a/b", "mirror.net/z", "example.com/a/b:1", "~mirror.net/z"),
    ("example.com/a/b:1", "mirror.net/z", "example.com/a/b:1", "~mirror.net/z"),
    ("docker.io", "mirror.net/hub", "nix", "~mirror.net/hub/library/nix"),
    ("docker.io/library", "quay.io/x", "nix@" + digest, "~quay.io/x/nix"),
    ("*.example.com", "mirror.net/all", "a.example.com/b", "~mirror.net/all/b"),
    ("*.example.com", "", "a.example.com/b", "a.example.com/b"),
    ("localhost:5000", "localhost:5001", "localhost:5000/a", "~localhost:5001/a"),
  ]) func `the location takes the prefix's place`(
    prefix: String, location: String, image: String, expected: String
  ) throws {
    let configuration = try configuration(
      "[[registry]]\nprefix = \"\(prefix)\"\nlocation = \"\(location)\"")
    #expect(try places(image, in: configuration) == [expected])
  }

  @Test(arguments: [
    ("example.com/a", "mirror.net", "example.com/a"),
    ("example.com", "mirror", "example.com/a"),
    ("example.com", "mirror.net/UPPER", "example.com/a"),
  ]) func `rewriting to something that is no name is refused`(
    prefix: String, location: String, image: String
  ) throws {
    let configuration = try configuration(
      "[[registry]]\nprefix = \"\(prefix)\"\nlocation = \"\(location)\"")
    #expect(throws: ConfigurationError.self) { try places(image, in: configuration) }
  }

  private static let mirrored = """
    [[registry]]
    prefix = "example.com/ns"
    location = "real.net"
    insecure = true
    [[registry.mirror]]
    location = "one.net:5000/m"
    [[registry.mirror]]
    location = "two.net"
    insecure = true
    pull-from-mirror = "digest-only"
    [[registry.mirror]]
    location = "three.net"
    pull-from-mirror = "tag-only"
    [[registry.mirror]]
    location = "four.net"
    pull-from-mirror = "all"
    """

  @Test(arguments: [
    (
      "example.com/ns/a:1",
      ["~one.net:5000/m/a", "~three.net/a", "~four.net/a", "~real.net/a!"]
    ),
    (
      "example.com/ns/a",
      ["~one.net:5000/m/a", "~three.net/a", "~four.net/a", "~real.net/a!"]
    ),
    (
      "example.com/ns/a:1@" + digest,
      ["~one.net:5000/m/a", "~two.net/a!", "~four.net/a", "~real.net/a!"]
    ),
  ]) func `mirrors come in order and the location last`(image: String, expected: [String]) throws {
    #expect(try places(image, in: configuration(Self.mirrored)) == expected)
  }

  @Test func `pushing goes to the name's own registry, marked as the table says`() throws {
    #expect(
      try places("example.com/ns/a:1", in: configuration(Self.mirrored), for: .push)
        == ["example.com/ns/a!"])
  }

  @Test func `pushing to a blocked registry is refused too`() throws {
    let configuration = try configuration("[[registry]]\nlocation = 'a.com'\nblocked = true")
    #expect(throws: ConfigurationError.self) { try places("a.com/b", in: configuration, for: .push) }
    #expect(throws: ConfigurationError.self) { try configuration.isInsecure(domain: "a.com") }
  }

  @Test func `mirror-by-digest-only leaves mirrors out for tags`() throws {
    let text =
      "[[registry]]\nlocation = 'a.com'\nmirror-by-digest-only = true\n"
      + "[[registry.mirror]]\nlocation = 'm.com'"
    #expect(try places("a.com/x:1", in: configuration(text)) == ["a.com/x"])
    #expect(try places("a.com/x@" + Self.digest, in: configuration(text)) == ["~m.com/x", "a.com/x"])
  }

  @Test func `a later file replaces the whole table of a prefix and adds others`() throws {
    let configuration = try configuration(
      Self.mirrored, "[[registry]]\nprefix = 'example.com/ns'\nlocation = 'new.net'",
      "[[registry]]\nlocation = 'b.com'\ninsecure = true")
    #expect(try places("example.com/ns/a", in: configuration) == ["~new.net/a"])
    #expect(try places("b.com/a", in: configuration) == ["b.com/a!"])
    #expect(try configuration.isInsecure(domain: "b.com"))
    #expect(try !configuration.isInsecure(domain: "c.com"))
  }

  @Test func `what is about short names is left aside`() throws {
    let configuration = try configuration(
      """
      unqualified-search-registries = ["docker.io", 'quay.io']
      short-name-mode = "enforcing"
      credential-helpers = ["containers-auth.json", "pass"]
      [aliases]
        "alpine" = "docker.io/library/alpine"
      """)
    #expect(configuration.credentialHelpers == ["containers-auth.json", "pass"])
    #expect(try places("alpine", in: configuration) == ["docker.io/library/alpine"])
  }

  @Test(arguments: [
    ("[[registry]]\nblocked = true", "location"),
    ("[[registry]]\nprefix = 'a.com'", "location"),
    ("[[registry]]\nlocation = 'https://a.com'", "location"),
    ("[[registry]]\nlocation = 'a.com/b:tag'", "location"),
    ("[[registry]]\nlocation = '/'", "location"),
    ("[[registry]]\nlocation = 5", "location"),
    ("[[registry]]\nlocation = 'a.com'\ninsecure = 'true'", "insecure"),
    ("[[registry]]\nlocation = 'a.com'\npull-from-mirror = 'all'", "pull-from-mirror"),
    ("[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\ninsecure = true", "mirror[1].location"),
    (
      "[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\nlocation='b.com'\npull-from-mirror='never'",
      "mirror[1].pull-from-mirror"
    ),
    (
      "[[registry]]\nlocation = 'a.com'\nmirror-by-digest-only = true\n[[registry.mirror]]\n"
        + "location = 'b.com'\npull-from-mirror = 'all'",
      "mirror[1].pull-from-mirror"
    ),
  ]) func `a table that makes no sense is refused with its place`(text: String, place: String) {
    #expect {
      try configuration(text)
    } throws: { error in
      guard case ConfigurationError.invalid("0.conf", let found, _, _) = error else { return false }
      return found == "registry[1].\(place)"
    }
  }

  @Test(arguments: [
    "registry = 1", "registry = [1]", "[registry]\nlocation = 'a'", "credential-helpers = 'x'",
  ])
  func `a wrong kind of value is refused`(text: String) {
    #expect(throws: ConfigurationError.self) { try configuration(text) }
  }

  @Test(arguments: [
    "[registries.search]\nregistries = ['docker.io']", "[registries.insecure]\nregistries = []",
    "[registries.block]\n",
  ]) func `version 1 of the format is refused by name`(text: String) {
    #expect(throws: ConfigurationError.oldRegistriesFormat(file: "0.conf")) { try configuration(text) }
  }

  @Test func `a fault in a file changes nothing`() throws {
    var configuration = try configuration("[[registry]]\nlocation = 'a.com'\ninsecure = true")
    #expect(throws: ConfigurationError.self) {
      try configuration.merge(Array("[[registry]]\nlocation = 'a.com'\n[[registry]]".utf8), file: "x")
    }
    #expect(try places("a.com/b", in: configuration) == ["a.com/b!"])
  }
}
