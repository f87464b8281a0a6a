import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

/// Layers whose descriptor says where else they are (docker-archive-bytes.md, "Layers").
@Suite struct ForeignLayerTests {
  typealias Reply = ScriptedTransport.Reply

  static let content = Array("windows base".utf8)
  static let unreachable = Reply.failure(.couldNotConnect(host: "x", reason: "refused"))

  func blob(_ urls: String...) -> Descriptor {
    var blob = Descriptor(
      mediaType: .ociForeignLayer, digest: Digest(of: Self.content), byteCount: Int64(Self.content.count))
    blob.urls = urls
    return blob
  }

  func fetch(_ test: TestClient, _ blob: Descriptor) async throws -> [UInt8] {
    let receiver = TestReceiver(blob.digest)
    try await test.client.fetch(
      blob, from: Reference(parsing: "reg.example/a"), into: receiver, subject: "layer")
    return receiver.bytes
  }

  @Test func `the first place that has it is used, without credentials, at public addresses only`()
    async throws
  {
    let test = TestClient(
      [("GET https://a.example/l", .status(404)), ("GET http://b.example/l", .body(Self.content))],
      credentials: .basic(user: "u", password: "p"))
    let blob = blob(
      "ftp://c.example/l", "https://a.example/l", "http://b.example/l", "https://never.example/")
    #expect(try await fetch(test, blob) == Self.content)
    #expect(test.transport.requests.allSatisfy { $0.headers.first("authorization") == nil })
    #expect(test.transport.requests.allSatisfy { $0.addressRule == .publicOnly })
  }

  @Test func `the registry has it when no place could be connected to`() async throws {
    let blob = blob("https://a.example/l", "file:///l")
    let test = TestClient(
      [
        ("GET https://a.example/l", Self.unreachable),
        ("GET https://reg.example/v2/a/blobs/\(blob.digest)", .body(Self.content)),
      ], attempts: 1)
    #expect(try await fetch(test, blob) == Self.content)
  }

  @Test func `the registry has it when no place is one of HTTP`() async throws {
    let blob = blob("file:///l")
    let test = TestClient([("GET https://reg.example/v2/a/blobs/\(blob.digest)", .body(Self.content))])
    #expect(try await fetch(test, blob) == Self.content)
  }

  @Test func `a refusal by the last place is an error`() async throws {
    let test = TestClient(
      [("GET https://a.example/l", Self.unreachable), ("GET https://b.example/l", .status(403))], attempts: 1)
    let error = await registryError {
      _ = try await fetch(test, blob("https://a.example/l", "https://b.example/l"))
    }
    #expect(error?.refusal?.status == 403)
  }

  @Test func `wrong content is an error, whatever the registry has`() async throws {
    let wrong = Reply.body(Array("windows bass".utf8))
    let test = TestClient([("GET https://a.example/l", wrong), ("GET https://a.example/l", wrong)])
    let error = await registryError { _ = try await fetch(test, blob("https://a.example/l")) }
    guard case .mismatch = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
