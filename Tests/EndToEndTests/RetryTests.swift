import Hashing
import TestSupport
import Testing

/// What a busy or broken registry says, and what becomes of it.
@Suite struct RetryTests {
  /// The three kinds of things that a pull asks for.
  enum Target: String, CaseIterable, Sendable {
    case manifest, config, layer

    var path: String {
      switch self {
      case .manifest: "/v2/image/manifests/\(Sample.image.digest)"
      case .config: MemoryRegistry.blobPath(Sample.config)
      case .layer: MemoryRegistry.blobPath(Sample.firstLayer)
      }
    }
  }

  private func pull(
    _ more: [String] = [], _ fault: @escaping MemoryRegistry.Fault
  ) async throws -> (outcome: Workplace.Outcome, requests: [RecordedRequest]) {
    let registry = try MemoryRegistry(Sample.image, fault)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference, more)
    return (outcome, registry.server.requests)
  }

  private func expectSuccess(_ outcome: Workplace.Outcome) async throws {
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
  }

  @Test(arguments: Target.allCases, [500, 503])
  func `a burst of failures is waited out`(target: Target, status: Int) async throws {
    let (outcome, requests) = try await pull { request, count, reply in
      request.path == target.path && count < 2 ? .status(status, Array("<html>busy</html>".utf8)) : reply
    }
    try await expectSuccess(outcome)
    #expect(requests.count { $0.path == target.path } == 3)
  }

  @Test(arguments: [408, 429, 502, 504, 522])
  func `other passing failures of a layer are waited out`(status: Int) async throws {
    let (outcome, requests) = try await pull { request, count, reply in
      request.path == Target.layer.path && count == 0 ? .status(status) : reply
    }
    try await expectSuccess(outcome)
    #expect(requests.count { $0.path == Target.layer.path } == 2)
  }

  @Test func `everything may fail once`() async throws {
    let (outcome, _) = try await pull { _, count, reply in count == 0 ? .status(503) : reply }
    try await expectSuccess(outcome)
  }

  @Test(arguments: Target.allCases)
  func `too many requests are answered by patience`(target: Target) async throws {
    let (outcome, requests) = try await pull { request, count, reply in
      request.path == target.path && count == 0 ? ScriptedReply.status(429).header("Retry-After", "1") : reply
    }
    try await expectSuccess(outcome)
    #expect(requests.count { $0.path == target.path } == 2)
    #expect(outcome.errors.contains("429"), "the wait is explained")
  }

  @Test func `a Retry-After of hours ends the pull at once, and tells the time`() async throws {
    let (outcome, requests) = try await pull { request, _, reply in
      request.path == Target.manifest.path
        ? ScriptedReply.status(
          429, Array(#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#.utf8)
        )
        .header("Retry-After", "7200") : reply
    }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("try again after") && outcome.errors.contains("slow down"))
    #expect(requests.count == 1)
  }

  @Test(arguments: Target.allCases)
  func `a failure that stays ends the pull after the allowed tries`(target: Target) async throws {
    let (outcome, requests) = try await pull(["--retry", "1"]) { request, _, reply in
      request.path == target.path ? .status(503) : reply
    }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("503"))
    #expect(requests.count { $0.path == target.path } == 2)
  }

  @Test(arguments: [(404, 4), (410, 1), (403, 5), (400, 1)], Target.allCases)
  func `a final refusal is final, with its own exit status`(
    answer: (status: Int, exit: Int32), target: Target
  )
    async throws
  {
    let body = Array(#"{"errors":[{"code":"X","message":"so says the registry"}]}"#.utf8)
    let (outcome, requests) = try await pull { request, _, reply in
      request.path == target.path ? .status(answer.status, body, ["Content-Type": "application/json"]) : reply
    }
    #expect(outcome.status == answer.exit, "\(outcome.errors)")
    #expect(outcome.leftNothing)
    #expect(outcome.errors.contains("\(answer.status)") && outcome.errors.contains("so says the registry"))
    #expect(requests.count { $0.path == target.path } == 1)
  }

  @Test func `a registry that is not there is named`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let port = try Port.free()
    let outcome = try await place.pull("127.0.0.1:\(port)/image@\(Sample.image.digest)", ["--retry", "0"])
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("127.0.0.1"))
  }

  @Test func `what a registry says does not move the cursor`() async throws {
    let body = Array("{\"errors\":[{\"code\":\"X\",\"message\":\"\\u001b[2J\\u0007\\u009b31mred\"}]}".utf8)
    let (outcome, _) = try await pull { _, _, _ in .status(404, body, ["Content-Type": "application/json"]) }
    #expect(outcome.status == 4)
    let hasControls = outcome.errors.unicodeScalars.contains {
      $0.value != 10 && ($0.value < 32 || (127...159).contains($0.value))
    }
    #expect(!hasControls, "\(outcome.errors)")
  }
}
