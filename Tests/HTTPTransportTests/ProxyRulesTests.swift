import Testing

@testable import HTTPTransport

@Suite struct ProxyRulesTests {
  private func proxy(for url: String, _ environment: [String: String]) throws -> String? {
    try ProxyRules(environment: environment).proxy(for: HTTPURL(parsing: url))
  }

  @Test func `each scheme has its variable, and all_proxy stands in for it`() throws {
    #expect(try proxy(for: "https://h/", ["https_proxy": "a", "HTTPS_PROXY": "b", "all_proxy": "c"]) == "a")
    #expect(try proxy(for: "https://h/", ["HTTPS_PROXY": "b", "all_proxy": "c"]) == "b")
    #expect(try proxy(for: "https://h/", ["http_proxy": "x", "ALL_PROXY": "c"]) == "c")
    #expect(try proxy(for: "http://h/", ["http_proxy": "x", "https_proxy": "a"]) == "x")
    #expect(try proxy(for: "http://h/", ["https_proxy": "a"]) == nil)
  }

  @Test func `HTTP_PROXY in capitals is ignored, because a CGI client could set it`() throws {
    #expect(try proxy(for: "http://h/", ["HTTP_PROXY": "evil"]) == nil)
  }

  @Test func `an empty variable turns the proxy off`() throws {
    #expect(try proxy(for: "https://h/", ["https_proxy": "", "all_proxy": "c"]) == nil)
  }

  @Test(arguments: ["localhost:5000", "a.localhost", "127.0.0.1", "[::1]"])
  func `this machine is never reached through a proxy`(authority: String) throws {
    #expect(try proxy(for: "http://\(authority)/", ["all_proxy": "p"]) == nil)
  }

  @Test(arguments: [
    ("example.com", "example.com", true), ("example.com", "a.example.com", true),
    (".example.com", "example.com", true),
    ("example.com", "notexample.com", false), ("example.com.", "EXAMPLE.com", true),
    ("a,b example.com", "b", true),
    ("a, b\texample.com", "example.com", true), ("*", "anything", true),
    ("*.example.com", "a.example.com", false),
    ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.1.2.3", false), ("10.1.2.3", "10.1.2.3", true),
    ("10.1.2.0/23", "10.1.3.9", true), ("10.1.2.0/33", "10.1.2.0", false), ("10.1.2.0/x", "10.1.2.0", false),
    ("fd00::/8", "[fd12::1]", true), ("fd00::/8", "10.1.2.3", false), ("2.3", "10.1.2.3", false),
    ("", "h", false),
  ])
  func `no_proxy exempts names with what is below them, addresses and ranges`(
    list: String, host: String, isExempt: Bool
  ) throws {
    let found = try proxy(for: "https://\(host)/", ["all_proxy": "p", "NO_PROXY": list])
    #expect((found == nil) == isExempt)
  }
}
