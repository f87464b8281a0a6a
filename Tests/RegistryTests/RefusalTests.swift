import HTTPTransport
import OCIModel
import OrderedJSON
import Testing

@testable import Registry

/// What registries say when they refuse, and what of it people see.
@Suite struct RefusalTests {
  @Test(arguments: [
    (#"{"errors":[{"code":"A","message":"b","detail":{"c":[1,null]}}]}"#, ["A: b"]),
    (#"{"errors":[{"code":"A","message":"b"},{"code":"C"},{"message":"d"}]}"#, ["A: b", "C", "d"]),
    (#"{"errors":[{"code":7,"message":["x"],"detail":"y"}]}"#, []),
    (#"{"errors":["plain"]}"#, ["plain"]), (#"{"errors":{}}"#, []), (#"{"errors":null}"#, []),
    (#"{"details":"incorrect username or password"}"#, ["incorrect username or password"]),
    (#"{"error":"invalid_grant","error_description":"expired"}"#, ["invalid_grant: expired"]),
    (#"{"message":"x\u001b[31m\u0000\u202e"}"#, [#"x\u{1b}[31m\u{0}\u{202e}"#]),
    ("<html><h1>502</h1></html>", []), ("404 page not found\n", []), ("", []),
    (#"{"errors":[{"code":"A""#, []),
  ])
  func `errors are read leniently, and nothing but a registry's own words is shown`(
    body: String, said: [String]
  ) {
    let messages = Refusal.messages(in: Array(body.utf8))
    #expect(messages.map { [$0.code, $0.message].filter { !$0.isEmpty }.joined(separator: ": ") } == said)
  }

  @Test func `detail is kept as any JSON`() {
    let messages = Refusal.messages(in: Array(#"{"errors":[{"code":"A","detail":{"c":[1,null]}}]}"#.utf8))
    #expect(messages.first?.detail == ["c": [1, .null]])
  }

  @Test func `a long list and a long text are cut`() {
    let entry = #"{"code":"A","message":"\#(String(repeating: "x", count: 5000))"}"#
    let list = #"{"errors":[\#(Array(repeating: entry, count: 500).joined(separator: ","))]}"#
    let messages = Refusal.messages(in: Array(list.utf8))
    #expect(messages.count == 10)
    #expect(messages.allSatisfy { $0.message.count == 1001 })
  }

  @Test func `an error's endless body is not read to its end`() async throws {
    let body = [UInt8](repeating: 32, count: 3 << 20)
    let test = TestClient(
      ScriptedTransport(pieceLength: 1 << 16) { _ in ScriptedTransport.Reply(status: 404, body: body) })
    let error = await registryError {
      _ = try await test.client.manifest(for: Reference(parsing: "reg.example/a"))
    }
    guard case .notFound(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.messages.isEmpty)
  }

  @Test func `no text holds a query, a password or a token`() async throws {
    let steps: [(String, ScriptedTransport.Reply)] = [
      (
        "GET https://reg.example/v2/a/manifests/latest",
        .challenge(#"Bearer realm="https://auth.example/t?hidden=1",service="hidden""#)
      ),
      (
        "GET https://auth.example/t?hidden=1&service=hidden&scope=repository%3Aa%3Apull&account=hidden",
        .text(#"{"token":"hidden"}"#)
      ),
      ("GET https://reg.example/v2/a/manifests/latest", .redirect("https://s3.example/x?hidden")),
      ("GET https://s3.example/x?hidden", .failure(.connectionLost(host: "s3.example", reason: "reset"))),
      ("GET https://reg.example/v2/a/manifests/latest", .redirect("https://s3.example/x?hidden")),
      ("GET https://s3.example/x?hidden", .status(403)),
    ]
    let test = TestClient(steps, credentials: .basic(user: "hidden", password: "hidden"))
    let error = await registryError {
      _ = try await test.client.manifest(for: Reference(parsing: "reg.example/a"))
    }
    let texts = test.log.lines + [error?.description ?? "hidden", String(reflecting: test.log.events)]
    #expect(texts.allSatisfy { !$0.contains("hidden") })
  }

  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200), ("Fri, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
    ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
    ("Sun, 06 Nov 1994 8h GMT", nil),
    ("Sun, 32 Nov 1994 08:49:37 GMT", nil), ("", nil),
  ])
  func `HTTP dates are read`(text: String, seconds: Int64?) {
    #expect(CivilTime.seconds(ofHTTPDate: text) == seconds)
  }

  @Test(
    arguments: [
      (0, "1970-01-01 00:00 UTC"), (951_782_399, "2000-02-28 23:59 UTC"),
      (951_782_400, "2000-02-29 00:00 UTC"),
      (951_868_800, "2000-03-01 00:00 UTC"), (4_102_444_799, "2099-12-31 23:59 UTC"),
      (-5, "1970-01-01 00:00 UTC"),
    ] as [(Int64, String)])
  func `times are written`(seconds: Int64, text: String) {
    #expect(CivilTime.text(ofUnixTime: seconds) == text)
  }
}
