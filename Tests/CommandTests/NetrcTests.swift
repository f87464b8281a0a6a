import OrderedJSON
import Testing

@testable import cooper

/// Logins in netrc files, for builds of Nix.
@Suite struct NetrcTests {
  @Test(arguments: [
    ("machine r.example.com login me password secret", "r.example.com", "bWU6c2VjcmV0"),
    ("machine r.example.com\n\tlogin me\n\tpassword secret\n", "r.example.com", "bWU6c2VjcmV0"),
    ("machine r.example.com login me password secret", "r.example.com:5000", "bWU6c2VjcmV0"),
    ("machine r.example.com:5000 login me password secret", "r.example.com:5000", "bWU6c2VjcmV0"),
    ("machine a login x password y machine r login me password secret", "r", "bWU6c2VjcmV0"),
    ("machine r login me account none password secret", "r", "bWU6c2VjcmV0"),
    ("machine r login me password secret machine r login x password y", "r", "bWU6c2VjcmV0"),
    ("# machine r login x password y\r\nmachine r login me password secret\r\n", "r", "bWU6c2VjcmV0"),
    ("macdef init\nmachine r login x password y\n\nmachine r login me password secret", "r", "bWU6c2VjcmV0"),
    ("machine registry-1.docker.io login me password secret", "docker.io", "bWU6c2VjcmV0"),
    ("machine r login machine password password", "r", "bWFjaGluZTpwYXNzd29yZA=="),
  ])
  func `a registry's login is found`(text: String, registry: String, login: String) throws {
    let file = try #require(Netrc(parsing: text).loginFile(for: registry))
    #expect(file == ["auths": .object([registry: ["auth": .string(login)]])])
  }

  @Test(arguments: [
    "", "machine", "machine other login me password secret", "default login me password secret",
    "machine r.example.com:5001 login me password secret", "macdef machine r login me password secret",
    "machine example.com login me password secret", "login me password secret",
  ])
  func `what is for others, or for everybody, is for no registry`(text: String) {
    #expect(Netrc(parsing: text).loginFile(for: "r.example.com:5000") == nil)
  }
}
