import Testing

@testable import HTTPTransport

@Suite struct HTTPURLTests {
  struct Parsed: Sendable, CustomTestStringConvertible {
    let text: String
    let scheme: String
    let host: String
    let port: Int
    let target: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Parsed(text: "https://ghcr.io/v2/", scheme: "https", host: "ghcr.io", port: 443, target: "/v2/"),
    Parsed(text: "http://localhost:5000", scheme: "http", host: "localhost", port: 5000, target: "/"),
    Parsed(
      text: "HTTPS://Ghcr.IO:8443/A?b=C", scheme: "https", host: "ghcr.io", port: 8443, target: "/A?b=C"),
    Parsed(text: "http://h?x=/y:z", scheme: "http", host: "h", port: 80, target: "/?x=/y:z"),
    Parsed(text: "http://h:/p", scheme: "http", host: "h", port: 80, target: "/p"),
    Parsed(text: "http://[::1]:80/p", scheme: "http", host: "[::1]", port: 80, target: "/p"),
    Parsed(text: "http://[2001:DB8::1]/", scheme: "http", host: "[2001:db8::1]", port: 80, target: "/"),
    Parsed(text: "http://a_b.c-d/../x/./y", scheme: "http", host: "a_b.c-d", port: 80, target: "/../x/./y"),
    Parsed(text: "http://h/a#frag?no", scheme: "http", host: "h", port: 80, target: "/a"),
    Parsed(text: "http://h/a b/é", scheme: "http", host: "h", port: 80, target: "/a%20b/%C3%A9"),
    Parsed(text: "http://h/p@q?u=x@y", scheme: "http", host: "h", port: 80, target: "/p@q?u=x@y"),
  ])
  func `a URL is taken apart`(expected: Parsed) throws {
    let url = try HTTPURL(parsing: expected.text)
    #expect(url.scheme == expected.scheme)
    #expect(url.host == expected.host)
    #expect(url.port == expected.port)
    #expect(url.target == expected.target)
  }

  @Test(arguments: [
    "", "/v2/", "ghcr.io/v2", "ghcr.io:443/v2", "ftp://h/", "file:///etc/passwd", "http:/h", "http:h",
    "http://",
    "http:///p", "http://:80/", "http://h:0/", "http://h:65536/", "http://h:8x/", "http://h:-1/",
    "http://h\\@evil/",
    "http://h%2eevil/", "http://h\u{0}/", "http://h/\r\nX: y", "http://h\t/", "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://::1/", "http://[1.2.3.4]/", "http://ex ample/", "http://bücher.example/", "1http://h/",
    "http://user@h/", "http://user:pass@h/", "http://h:80@evil/",
  ])
  func `what is not a plain http URL is refused`(text: String) {
    #expect(throws: TransportError.self) { try HTTPURL(parsing: text) }
  }

  @Test func `a presigned URL stays as it is`() throws {
    let text = "https://S3.example/b/%2f/a%7Eb//c?X-Amz-Signature=a%2Fb+c&x=~!*'();:@$,[]"
    #expect(try HTTPURL(parsing: text).description == text)
    #expect(try HTTPURL(parsing: "http://h/x").resolving(text).description == text)
  }

  /// The examples of RFC 3986, section 5.4, without those for other schemes, user information and fragments
  /// alone.
  @Test(arguments: [
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q"),
    ("g#s", "http://a/b/c/g"), (";x", "http://a/b/c/;x"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"),
    ("./", "http://a/b/c/"), ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"),
    ("../..", "http://a/"), ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("/./g", "http://a/g"),
    ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), ("..g", "http://a/b/c/..g"),
    ("./../g", "http://a/b/g"),
    ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"),
    ("g;x=1/../y", "http://a/b/c/y"), ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("/v2/?a=b:c", "http://a/v2/?a=b:c"),
    ("https://b:1/x", "https://b:1/x"),
  ])
  func `a reference is resolved as RFC 3986 says`(reference: String, expected: String) throws {
    #expect(try HTTPURL(parsing: "http://a/b/c/d;p?q").resolving(reference).description == expected)
  }

  @Test(arguments: [
    ("http://a:1", "g", "http://a:1/g"), ("http://a:1", "?y", "http://a:1/?y"),
    ("http://a?q", "", "http://a/?q"),
    ("https://a?q=/x", "/y", "https://a/y"), ("https://a", "//b/c", "https://b/c"),
  ])
  func `a base without a path counts as the root`(base: String, reference: String, expected: String) throws {
    #expect(try HTTPURL(parsing: base).resolving(reference).description == expected)
  }

  @Test(arguments: ["javascript:x", "ftp://a/", "http:g", "//u@h/", "1:2", "/a\nb", "//"])
  func `a reference to something else is refused`(reference: String) throws {
    let base = try HTTPURL(parsing: "http://a/b")
    #expect(throws: TransportError.self) { try base.resolving(reference) }
  }

  @Test(arguments: [
    ("http://h/u", "http://h/u?digest=sha256%3Aab"), ("http://h/u?", "http://h/u?digest=sha256%3Aab"),
    ("http://h/u?s=%2f%2F+", "http://h/u?s=%2f%2F+&digest=sha256%3Aab"),
    ("http://h/u?a&", "http://h/u?a&digest=sha256%3Aab"), ("http://h", "http://h?digest=sha256%3Aab"),
  ])
  func `a query item is added and nothing else changes`(text: String, expected: String) throws {
    let url = try HTTPURL(parsing: text).appending(queryItem: "digest", value: "sha256:ab")
    #expect(url.description == expected)
  }

  @Test func `the value of a query item is encoded`() throws {
    let url = try HTTPURL(parsing: "http://h/").appending(queryItem: "scope", value: "a b&c=d/é~._-+%")
    #expect(url.target == "/?scope=a%20b%26c%3Dd%2F%C3%A9~._-%2B%25")
  }

  @Test(arguments: [
    ("http://h/", "http://h/x?y", true), ("http://h/", "http://H:80", true),
    ("http://h/", "https://h/", false),
    ("https://h/", "https://h:443/", true), ("https://h/", "https://h:444/", false),
    ("https://h/", "https://h.evil/", false), ("https://a.h/", "https://h/", false),
  ])
  func `an origin is scheme, host and port`(one: String, other: String, isSame: Bool) throws {
    #expect(try HTTPURL(parsing: one).hasSameOrigin(as: HTTPURL(parsing: other)) == isSame)
  }

  @Test(arguments: [
    ("localhost", true), ("LOCALHOST:5000", true), ("registry.localhost", true), ("127.0.0.1:1", true),
    ("127.255.0.9", true), ("[::1]", true), ("[0:0:0:0:0:0:0:1]", true), ("localhost.example.com", false),
    ("127.0.0.1.example.com", false), ("notlocalhost", false), ("128.0.0.1", false), ("127.1", false),
    ("0177.0.0.1", false), ("[::2]", false), ("[::ffff:127.0.0.1]", false), ("10.0.0.1", false),
    ("0.0.0.0", false),
  ])
  func `loopback hosts are known by their name`(authority: String, isLoopback: Bool) throws {
    #expect(try HTTPURL(parsing: "http://\(authority)/").isLoopbackHost == isLoopback)
  }

  @Test func `the redacted form has no query`() throws {
    #expect(try HTTPURL(parsing: "https://h:1/p?token=secret").redacted == "https://h:1/p")
  }

  @Test(arguments: [
    "http://user:secret@h/p", "ftp://user:secret@h/p", "user:secret@h/p", "http://h:0/?t=secret", "x?secret",
    "x#secret",
  ])
  func `a refusal shows neither query nor user information`(text: String) {
    let error = #expect(throws: TransportError.self) { try HTTPURL(parsing: text) }
    #expect(error?.description.contains("secret") == false)
    #expect(error?.description.contains("user:") == false)
  }
}
