import Foundation
import Registry
import TestSupport
import Testing

@testable import cooper

@Suite struct CredentialHelperTests {
  /// Runs `get` of a helper with this script.
  private func get(_ script: String, limit: Duration = .seconds(300)) async throws -> Credentials? {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.helper("test", script)
    var helper = try CredentialHelper(name: "test", environment: home.environment)
    helper.timeLimit = limit
    return try await helper.get("a.com")
  }

  @Test(
    arguments: [
      (
        #"{"ServerURL":"a.com","Username":"u","Secret":"p:q"}"#, Credentials.basic(user: "u", password: "p:q")
      ),
      (#"{"Username":"<token>","Secret":"t"}"#, .identityToken("t")),
      (#"{"Secret":"s","Username":"u","more":1}"#, .basic(user: "u", password: "s")),
    ] as [(String, Credentials)]) func `the answer is the login`(answer: String, expected: Credentials)
    async throws
  {
    #expect(try await get("cat > /dev/null; echo '\(answer)'") == expected)
  }

  @Test func `the server's name comes on standard input and nowhere else`() async throws {
    let script = #"printf '{"Username":"%s","Secret":"%s"}' "$(cat)" "$*""#
    #expect(try await get(script) == .basic(user: "a.com", password: "get"))
  }

  @Test func `a helper may leave its input unread`() async throws {
    #expect(try await get(#"exec 0<&-; echo '{"Username":"u","Secret":"p"}'"#) != nil)
  }

  @Test func `not found is no login and no error`() async throws {
    #expect(try await get("echo 'credentials not found in native keychain'; exit 1") == nil)
    #expect(try await get(#"echo '{"ServerURL":"","Username":"","Secret":""}'"#) == nil)
  }

  @Test(arguments: [
    ("echo 'vault is locked' >&2; exit 1", "vault is locked"),
    ("echo 'error getting credentials'; exit 2", "error getting credentials"),
    ("echo out; echo err >&2; exit 1", "err"),
    ("printf 'two\\nlines\\033[31m' >&2; exit 1", "two lines [31m"),
    ("exit 3", ""), ("kill -9 $$", ""),
  ]) func `a failure says what the helper wrote`(script: String, message: String) async throws {
    await #expect(
      throws: CredentialHelperError.failed(
        program: "docker-credential-test", action: "get", server: "a.com", message: message)
    ) { try await get(script) }
  }

  @Test(arguments: ["", "nothing", "[]", "{}", #"{"Username":"u"}"#, #"{"Username":1,"Secret":"s"}"#])
  func `another answer is refused without being quoted`(answer: String) async throws {
    await #expect(throws: CredentialHelperError.badAnswer(program: "docker-credential-test", server: "a.com"))
    {
      try await get("printf '%s' '\(answer)'")
    }
  }

  @Test func `an answer without end is refused`() async throws {
    await #expect {
      try await get("cat /dev/zero")
    } throws: { error in
      if case CredentialHelperError.notRun = error { true } else { false }
    }
  }

  @Test(arguments: ["sleep 20", "exec sleep 20", "trap '' TERM; sleep 20 & wait"])
  func `a helper that never ends is given up`(script: String) async throws {
    await #expect {
      try await get(script, limit: .milliseconds(300))
    } throws: { error in
      if case CredentialHelperError.timedOut = error { true } else { false }
    }
  }

  @Test func `cancelling ends the wait`() async throws {
    let task = Task { try await get("exec sleep 20") }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test(arguments: ["", "a/b", "../x", "/bin/sh", "a b", "a\n", "ä"])
  func `a name that is no single word is refused`(name: String) throws {
    #expect(throws: CredentialHelperError.badName(name)) {
      try CredentialHelper(name: name, environment: TestHome().environment)
    }
  }

  @Test func `only absolute directories of PATH are searched, and only programs count`() async throws {
    var home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("no program", to: "bin/docker-credential-text")
    try await home.helper("test", "")
    #expect(throws: CredentialHelperError.notInstalled("docker-credential-text")) {
      try CredentialHelper(name: "text", environment: home.environment)
    }
    home.environment.variables["PATH"] = "bin:."
    #expect(throws: CredentialHelperError.notInstalled("docker-credential-test")) {
      try CredentialHelper(name: "test", environment: home.environment)
    }
  }

  @Test func `storing hands the secret over on standard input`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    let helper = try CredentialHelper(name: "box", environment: home.environment)
    try await helper.store("a.com", user: "u", secret: "s\"e")
    #expect(
      try home.text("box/calls") == #"1 store {"ServerURL":"a.com","Username":"u","Secret":"s\"e"}"# + "\n")
    #expect(try await helper.get("a.com") == .basic(user: "u", password: "s\"e"))
    #expect(try await helper.erase("a.com"))
    #expect(try await !helper.erase("a.com"))
  }

  @Test func `a secret that a helper repeats does not get into the message`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.helper("loud", "cat >&2; exit 1")
    let helper = try CredentialHelper(name: "loud", environment: home.environment)
    await #expect {
      try await helper.store("a.com", user: "u", secret: "hunter2")
    } throws: {
      "\($0)".contains("store failed") && !"\($0)".contains("hunter2")
    }
  }

  @Test func `a login that does not fit into a pipe is refused`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    let helper = try CredentialHelper(name: "box", environment: home.environment)
    await #expect(throws: CredentialHelperError.self) {
      try await helper.store("a.com", user: "u", secret: String(repeating: "x", count: 70_000))
    }
  }
}
