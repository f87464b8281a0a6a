import Hashing
import Testing

@testable import OCIModel

private let hex = String(repeating: "0123456789abcdef", count: 4)

@Suite struct ReferenceTests {
  @Test(arguments: [
    ("nix", "docker.io/library/nix", "one part belongs to the library"),
    ("nixos/nix", "docker.io/nixos/nix", "a first part without dot or colon is no host"),
    ("nix:2.18", "docker.io/library/nix:2.18", "no slash: the colon begins a tag"),
    ("localhost:5000", "docker.io/library/localhost:5000", "the same, though it looks like a host"),
    ("localhost/a", "localhost/a", "localhost is a host"),
    ("localhost/a/b:c", "localhost/a/b:c", "and more than one part may follow"),
    ("localhost:5000/a:b", "localhost:5000/a:b", "a port makes a host"),
    ("myhost/a", "docker.io/myhost/a", "a bare name is not a host"),
    ("myhost:80/a", "myhost:80/a", "unless it has a port"),
    ("docker.io/nix", "docker.io/library/nix", "the registry's name may be written"),
    ("docker.io/library/nix", "docker.io/library/nix", "so may library"),
    ("index.docker.io/nix", "docker.io/library/nix", "its old name is the same registry"),
    ("index.docker.io/a/b:c", "docker.io/a/b:c", "also with a longer path"),
    ("registry-1.docker.io/nix", "registry-1.docker.io/nix", "its server is not renamed"),
    ("quay.io/x", "quay.io/x", "library is only for Docker's registry"),
    ("Quay.IO/x/y:z", "Quay.IO/x/y:z", "hosts keep their case"),
    ("[::1]:5000/x", "[::1]:5000/x", "an IPv6 address with a port"),
    ("[fe80::AB]/x/y", "[fe80::AB]/x/y", "an IPv6 address without"),
    ("127.0.0.1:8080/x", "127.0.0.1:8080/x", "an IPv4 address"),
    ("a.b-c.d9/e", "a.b-c.d9/e", "labels may have hyphens inside"),
    ("a.b/c.d/e_f/g__h/i---j:T_.-9", "a.b/c.d/e_f/g__h/i---j:T_.-9", "all separators"),
    ("0/1:2", "docker.io/0/1:2", "digits are letters"),
    ("x:_", "docker.io/library/x:_", "a tag may begin with an underscore"),
  ])
  func `a name is normalised as Docker does`(text: String, canonical: String, reason: String) throws {
    let reference = try Reference(parsing: text)
    #expect(reference.description == canonical, "\(reason)")
    #expect(try Reference(parsing: canonical) == reference, "the canonical text means the same")
  }

  @Test func `tag and digest are both kept`() throws {
    let reference = try Reference(parsing: "nixos/nix:2.18@sha256:\(hex)")
    #expect(reference.domain == "docker.io")
    #expect(reference.path == "nixos/nix")
    #expect(reference.name == "docker.io/nixos/nix")
    #expect(reference.tag == "2.18")
    #expect(reference.digest?.hex == hex)
    #expect(reference.description == "docker.io/nixos/nix:2.18@sha256:\(hex)")
    #expect(try Reference(parsing: reference.description) == reference)
  }
}

@Suite struct ReferenceChangeTests {
  @Test func `latest is only meant when there is neither tag nor digest`() throws {
    #expect(try Reference(parsing: "a").tag == nil)
    #expect(try Reference(parsing: "a").effectiveTag == "latest")
    #expect(try Reference(parsing: "a:b").effectiveTag == "b")
    #expect(try Reference(parsing: "a@sha256:\(hex)").effectiveTag == nil)
    #expect(try Reference(parsing: "a:b@sha256:\(hex)").effectiveTag == "b")
  }

  @Test func `tag and digest can be replaced, the name stays`() throws {
    let reference = try Reference(parsing: "localhost:5000/a/b:c")
    let digest = try Digest(parsing: "sha256:\(hex)")
    #expect(try reference.withTag("d").description == "localhost:5000/a/b:d")
    #expect(try reference.withTag(nil).description == "localhost:5000/a/b")
    #expect(reference.withDigest(digest).description == "localhost:5000/a/b:c@sha256:\(hex)")
    #expect(try reference.withDigest(digest).withTag(nil).withDigest(nil).description == "localhost:5000/a/b")
    #expect(throws: ReferenceError.tag("localhost:5000/a/b:-x", "-x")) { try reference.withTag("-x") }
    #expect(throws: ReferenceError.self) { try reference.withTag("") }
  }

  @Test(arguments: ["sha256", "sha384", "sha512"])
  func `every digest that can be checked may pin`(algorithm: String) throws {
    let digest = Digest(of: [], algorithm: try #require(DigestAlgorithm(rawValue: algorithm)))
    #expect(try Reference(parsing: "a@\(digest)").digest == digest)
  }
}

@Suite struct ReferenceRefusalTests {
  @Test(arguments: [
    ("", ReferenceError.empty, "nothing"), (hex, .onlyHex(hex), "the identifier of a local image"),
    (":tag", .emptyName(":tag"), "a tag alone"),
    ("@sha256:\(hex)", .emptyName("@sha256:\(hex)"), "a digest alone"),
    ("quay.io/", .emptyName("quay.io/"), "a registry alone"),
    ("Nix", .upperCase("Nix", "Nix"), "capital letters"),
    ("Foo/bar", .upperCase("Foo/bar", "Foo"), "a first part with capitals is no host"),
    ("quay.io/a/B/c", .upperCase("quay.io/a/B/c", "B"), "capitals anywhere"),
    ("a//b", .path("a//b", ""), "an empty part"), ("/a", .path("/a", ""), "a slash at the beginning"),
    ("a/", .path("a/", ""), "a slash at the end"), ("-a", .path("-a", "-a"), "a separator first"),
    ("a-", .path("a-", "a-"), "a separator last"), ("a..b", .path("a..b", "a..b"), "two dots"),
    ("a___b", .path("a___b", "a___b"), "three underscores"),
    ("a._b", .path("a._b", "a._b"), "mixed separators"),
    ("a-_b", .path("a-_b", "a-_b"), "mixed in the other order"),
    ("..", .path("..", ".."), "a path of the file system"),
    ("../a", .domain("../a", ".."), "the same before a slash"), ("a b", .path("a b", "a b"), "a blank"),
    ("a\n", .path("a\n", "a\n"), "a line break"),
    ("café", .path("café", "café"), "a letter outside of ASCII"),
    ("a\0", .path("a\0", "a\0"), "NUL"), ("a:", .tag("a:", ""), "an empty tag"),
    ("a:.b", .tag("a:.b", ".b"), "a tag with a dot first"),
    ("a:-b", .tag("a:-b", "-b"), "with a hyphen first"),
    ("a:b:c", .tag("a:b:c", "b:c"), "two tags"), ("a:b/c", .domain("a:b/c", "a:b"), "a port that is none"),
    ("a/b:c/d", .tag("a/b:c/d", "c/d"), "a slash in a tag"),
    ("a:b+c", .tag("a:b+c", "b+c"), "a plus in a tag"),
    ("a:é", .tag("a:é", "é"), "a tag outside of ASCII"),
    ("-a.b/c", .domain("-a.b/c", "-a.b"), "a host with a hyphen first"),
    ("a-.b/c", .domain("a-.b/c", "a-.b"), "a label with a hyphen last"),
    ("a..b/c", .domain("a..b/c", "a..b"), "an empty label"),
    (".a/c", .domain(".a/c", ".a"), "an empty first label"),
    ("a_b.c/d", .domain("a_b.c/d", "a_b.c"), "an underscore in a host"),
    ("a.b:/c", .domain("a.b:/c", "a.b:"), "an empty port"), ("a:0/c", .domain("a:0/c", "a:0"), "port 0"),
    ("a:65536/c", .domain("a:65536/c", "a:65536"), "a port that is too great"),
    ("a:1:2/c", .domain("a:1:2/c", "a:1:2"), "two ports"),
    ("::1/c", .domain("::1/c", "::1"), "IPv6 without brackets"),
    ("[::1/c", .domain("[::1/c", "[::1"), "half of the brackets"),
    ("[]:1/c", .domain("[]:1/c", "[]:1"), "no address"),
    ("[::g]/c", .domain("[::g]/c", "[::g]"), "no hexadecimal digit"),
    ("[::1]x:1/c", .domain("[::1]x:1/c", "[::1]x:1"), "something behind the brackets"),
    ("user@host.io/a", .digest("user@host.io/a", .malformed("host.io/a")), "a user name"),
    ("https://quay.io/a", .domain("https://quay.io/a", "https:"), "an address of the web"),
  ])
  func `a malformed reference is refused by its fault`(text: String, error: ReferenceError, reason: String) {
    #expect(throws: error, "\(reason)") { try Reference(parsing: text) }
  }

  @Test(arguments: [
    ("md5:d41d8cd98f00b204e9800998ecf8427e", "an algorithm that proves nothing"),
    ("blake3:\(hex)", "an algorithm that cannot be computed here"),
    ("sha256:\(hex.uppercased())", "capital digits"),
    ("sha256:\(hex.dropLast())", "63 digits"), ("sha256:\(hex)0", "65 digits"), ("sha256:", "no digits"),
    (hex, "no algorithm"), ("", "nothing"), ("sha512:\(hex)", "the digits of another algorithm"),
    ("sha256:../../../../../../etc/passwd", "a path"), ("sha256:\(hex)@sha256:\(hex)", "two digests"),
    ("sha256:\(hex):tag", "a tag behind the digest"),
  ])
  func `a digest that cannot be checked is refused`(digest: String, reason: String) {
    #expect("\(reason)") {
      try Reference(parsing: "a:b@\(digest)")
    } throws: {
      if case ReferenceError.digest = $0 { true } else { false }
    }
  }

  @Test func `lengths are limited`() throws {
    let tag = String(repeating: "t", count: 128)
    #expect(try Reference(parsing: "a:\(tag)").tag == tag)
    #expect(throws: ReferenceError.tag("a:\(tag)t", "\(tag)t")) { try Reference(parsing: "a:\(tag)t") }
    let name = "docker.io/a/" + String(repeating: "b", count: 243)
    #expect(try Reference(parsing: name).name == name)
    #expect(throws: ReferenceError.nameTooLong(name + "b", byteCount: 256)) {
      try Reference(parsing: name + "b")
    }
    let short = String(repeating: "c", count: 238)
    #expect(throws: ReferenceError.nameTooLong(short, byteCount: 256)) { try Reference(parsing: short) }
  }

  @Test func `64 hexadecimal digits are a name where something is with them`() throws {
    #expect(try Reference(parsing: "\(hex):tag").path == "library/\(hex)")
    #expect(try Reference(parsing: "a/\(hex)").path == "a/\(hex)")
  }

  @Test(arguments: [
    ("Quay/App", "“Quay” has capital letters; write “quay”"), ("https://quay.io/a", "leave out https://"),
    (hex, "NAME@sha256:"), ("a:b:c", "“b:c” is not a tag"), ("a@md5:00", "cannot be checked"),
    ("a..b/c", "“a..b” is not a registry"), ("", "NAME[:TAG][@DIGEST]"),
    ("quay.io/", "no repository name"), ("a..b", "“a..b” is not a repository component"),
  ])
  func `messages say what to write instead`(text: String, part: String) {
    let error = #expect(throws: ReferenceError.self) { try Reference(parsing: text) }
    #expect(error?.description.contains(part) == true)
    #expect(error?.description.contains("\n") == false)
  }

  /// Whatever is given, there is an answer, and what is accepted means the same when it is read again.
  @Test func `no text of awkward bytes traps`() throws {
    let parts = ["", "a", "A", ".", ":", "/", "@", "[", "]", "_", "-", "0", "sha256:\(hex)", "localhost"]
    for first in parts {
      for second in parts {
        for third in parts {
          for fourth in parts {
            guard let reference = try? Reference(parsing: first + second + third + fourth) else { continue }
            #expect(try Reference(parsing: reference.description) == reference)
          }
        }
      }
    }
  }
}
