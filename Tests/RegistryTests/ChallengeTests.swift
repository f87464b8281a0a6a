import Testing

@testable import Registry

@Suite struct ChallengeTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let fields: [String]
    let found: [String]
    var testDescription: String { fields.joined(separator: " | ") }

    /// Challenges as `scheme name=value name=value`, names sorted.
    init(_ fields: String..., finds found: [String]) {
      self.fields = fields
      self.found = found
    }
  }

  static let rows = [
    Row(
      #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
      finds: [
        "bearer realm=https://auth.docker.io/token scope=repository:a/b:pull,push service=registry.docker.io"
      ]),
    Row(#"Negotiate, Basic realm="a, b""#, finds: ["negotiate", "basic realm=a, b"]),
    Row(#"Basic realm="x""#, #"Bearer realm="y""#, finds: ["basic realm=x", "bearer realm=y"]),
    Row(#"BASIC REALM="x", bEARER Realm="y""#, finds: ["basic realm=x", "bearer realm=y"]),
    Row(#"Negotiate YWJj==, Basic realm="x""#, finds: ["negotiate", "basic realm=x"]),
    Row(#"NTLM TlRMTVNTUAA=, NTLM abc, Basic realm=x"#, finds: ["ntlm", "ntlm", "basic realm=x"]),
    Row(
      #"Bearer realm=https://a.example/token?x=1,service=s"#,
      finds: ["bearer realm=https://a.example/token?x=1 service=s"]),
    Row(#"Basic realm="say \"hi\"""#, finds: [#"basic realm=say "hi""#]),
    Row(#"Basic realm = "x" , charset = "UTF-8""#, finds: ["basic charset=UTF-8 realm=x"]),
    Row(#"Basic realm="first", realm="second""#, finds: ["basic realm=first"]),
    Row(#"Basic realm="open"#, finds: ["basic realm=open"]),
    Row(#"Bearer"#, finds: ["bearer"]),
    Row(#", ,Bearer realm="x",,"#, finds: ["bearer realm=x"]),
    Row(#"="x", Bearer realm="y""#, finds: ["bearer realm=y"]),
    Row(#""quoted" Bearer"#, finds: ["bearer"]),
    Row("", finds: []),
    Row("  \t ", finds: []),
  ]

  @Test(arguments: rows)
  func `challenges are found in fields of all shapes`(row: Row) {
    let found = Challenge.parse(row.fields).map { challenge in
      let parameters = challenge.parameters.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
      return ([challenge.scheme] + parameters).joined(separator: " ")
    }
    #expect(found == row.found)
  }

  @Test func `several scopes are separated by spaces`() {
    let challenge = Challenge.parse([#"Bearer realm="x", scope="repository:a:pull  repository:b:pull,push""#])
    #expect(challenge.first?.scopes == ["repository:a:pull", "repository:b:pull,push"])
  }

  @Test func `any bytes end the parsing`() {
    // A fixed generator, so that a failure can be repeated.
    var state: UInt64 = 1
    for _ in 0..<5000 {
      let characters = (0..<24).map { _ -> Character in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        return Array("Basic=\", \\\trealm")[Int(state >> 33) % 16]
      }
      #expect(Challenge.parse([String(characters)]).count <= 24)
    }
  }
}
