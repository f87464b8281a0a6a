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
