import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

@Suite struct UploadTests {
  typealias Reply = ScriptedTransport.Reply

  private let reference: Reference
  private let base = "https://r.example/v2/lib/image/blobs"

  init() throws { reference = try Reference(parsing: "r.example/lib/image:1") }

  private func at(_ upload: String) -> String { "\(base)/uploads/\(upload)" }

  private func opened(_ upload: String, _ status: Int = 202, _ headers: HTTPHeaders = [:]) -> Reply {
    var headers = headers
    headers.add("Location", at(upload))
    return .status(status, headers)
  }

  private func escaped(_ digest: Digest) -> String { "\(digest)".replacing(":", with: "%3A") }

  private func message(_ code: String) -> String { #"{"errors":[{"code":"\#(code)","message":"no"}]}"# }

  // MARK: Whether it is there

  @Test(arguments: [(200, true), (404, false), (405, false)])
  func `a blob is there when the registry says so`(status: Int, isThere: Bool) async throws {
    let blob = TestBlob(10).descriptor
    let test = TestClient([("HEAD \(base)/\(blob.digest)", .status(status))])
    #expect(try await test.client.exists(blob, in: reference) == isThere)
  }

  @Test(arguments: [(403, true), (400, true), (404, false), (200, true)])
  func `a storage service that takes only GET has the blob`(status: Int, isThere: Bool) async throws {
    let blob = TestBlob(10).descriptor
    let test = TestClient([
      ("HEAD \(base)/\(blob.digest)", .redirect("https://s3.example/x?sig=1")),
      ("HEAD https://s3.example/x?sig=1", .status(status)),
    ])
    #expect(try await test.client.exists(blob, in: reference) == isThere)
  }

  @Test func `a denial is not an absence`() async throws {
    let blob = TestBlob(10).descriptor
    let test = TestClient([("HEAD \(base)/\(blob.digest)", .status(403))])
    let error = await registryError { _ = try await test.client.exists(blob, in: reference) }
    guard case .denied = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  // MARK: All at once

  @Test(arguments: [
    ("/v2/lib/image/blobs/uploads/7", "https://r.example/v2/lib/image/blobs/uploads/7?"),
    ("7?_state=a%3D", "https://r.example/v2/lib/image/blobs/uploads/7?_state=a%3D&"),
    ("https://r.example/elsewhere?x=1&", "https://r.example/elsewhere?x=1&"),
  ])
  func `everything goes in one PUT to where the registry says`(location: String, url: String) async throws {
    let blob = TestBlob(12_345, pauses: true)
    let test = TestClient([
      ("POST \(at(""))", .status(202, ["Location": location])),
      ("PUT \(url)digest=\(escaped(blob.descriptor.digest))", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.bodies[1] == blob.bytes)
    #expect(test.transport.header("Content-Type", of: 1) == "application/octet-stream")
    #expect(test.transport.header("Content-Range", of: 1) == nil)
    #expect(try test.transport.request(1).bodySource?.byteCount == 12_345)
    #expect(try test.transport.request(1).patience.answerSeconds == 300)
    #expect(test.transport.remaining == 0)
  }

  @Test func `another digest algorithm is announced`() async throws {
    let bytes = Array("x".utf8)
    let digest = Digest(of: bytes, algorithm: .sha512)
    let test = TestClient([
      ("POST \(at(""))?digest-algorithm=sha512", opened("1")),
      ("PUT \(at("1"))?digest=\(escaped(digest))", .status(204)),
    ])
    let blob = Descriptor(mediaType: .ociLayer, digest: digest, byteCount: 1)
    try await test.client.upload(blob, bytes: bytes, to: reference, subject: "layer")
    #expect(test.transport.bodies[1] == bytes)
  }

  @Test func `an empty blob is sent, too`() async throws {
    let blob = TestBlob(0)
    let test = TestClient([
      ("POST \(at(""))", opened("1")),
      ("PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
  }

  // MARK: Other hosts, tokens

  private static let bearer = #"Bearer realm="https://auth.example/token",service="r""#

  @Test func `another host gets the bytes but no credentials, and must not be near`() async throws {
    let blob = TestBlob(10)
    let test = TestClient(
      [
        ("POST \(at(""))", .challenge(#"Basic realm="x""#)),
        ("POST \(at(""))", .status(202, ["Location": "https://storage.example/u?sig=1"])),
        (
          "PUT https://storage.example/u?sig=1&digest=\(escaped(blob.descriptor.digest))", .status(201)
        ),
      ], credentials: .basic(user: "me", password: "secret"))
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.header("Authorization", of: 1) != nil)
    #expect(test.transport.header("Authorization", of: 2) == nil)
    #expect(try test.transport.request(2).addressRule == .publicOnly)
  }

  @Test(arguments: ["http://r.example/u", "http://storage.example/u"])
  func `bytes do not leave TLS`(location: String) async throws {
    let blob = TestBlob(10)
    let test = TestClient([("POST \(at(""))", .status(202, ["Location": location]))])
    let error = await registryError {
      try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    }
    guard case .unsafe = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `one token is asked for, with the right to push from the beginning`() async throws {
    let blob = TestBlob(10)
    let narrow = Self.bearer + #",scope="repository:lib/image:pull""#
    let test = TestClient([
      ("HEAD \(base)/\(blob.descriptor.digest)", .challenge(narrow)),
      (
        "GET https://auth.example/token?service=r&scope=repository%3Alib%2Fimage%3Apull%2Cpush",
        .text(#"{"token":"t1"}"#)
      ),
      ("HEAD \(base)/\(blob.descriptor.digest)", .status(404)), ("POST \(at(""))", opened("1")),
      ("PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))", .status(201)),
    ])
    #expect(try await test.client.exists(blob.descriptor, in: reference) == false)
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect((2...4).allSatisfy { test.transport.header("Authorization", of: $0) == "Bearer t1" })
  }

  @Test func `a token that expires before the body gets a successor, and the body begins again`() async throws
  {
    let blob = TestBlob(5000)
    let token = "GET https://auth.example/token?service=r&scope=repository%3Alib%2Fimage%3Apull%2Cpush"
    let put = "PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))"
    let test = TestClient([
      ("POST \(at(""))", .challenge(Self.bearer)), (token, .text(#"{"token":"t1"}"#)),
      ("POST \(at(""))", opened("1")), (put, .challenge(Self.bearer).taking(3000)),
      (token, .text(#"{"token":"t2"}"#)), (put, .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.bodies[3].count == 3000)
    #expect(test.transport.bodies[5] == blob.bytes)
    #expect(test.transport.header("Authorization", of: 5) == "Bearer t2")
  }

  @Test func `a redirect that keeps the method is followed with the body, another is not`() async throws {
    let blob = TestBlob(100)
    let put = "PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))"
    let kept = TestClient([
      ("POST \(at(""))", opened("1")), (put, .redirect("https://storage.example/u").taking(0)),
      ("PUT https://storage.example/u", .status(201)),
    ])
    try await kept.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(kept.transport.bodies[2] == blob.bytes)
    let changed = TestClient([
      ("POST \(at(""))", opened("1")), (put, .redirect("https://storage.example/u", status: 302)),
    ])
    let error = await registryError {
      try await changed.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    }
    guard case .unsafe = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  // MARK: Going on

  @Test func `after a cut the registry is asked what it has, and the rest follows`() async throws {
    let blob = TestBlob(10_000)
    let digest = escaped(blob.descriptor.digest)
    let test = TestClient([
      ("POST \(at(""))", opened("1?s=a")), ("PUT \(at("1?s=a"))&digest=\(digest)", .cut(after: 6000)),
      ("GET \(at("1?s=a"))", opened("1?s=b", 204, ["Range": "0-4999"])),
      ("PATCH \(at("1?s=b"))", opened("1?s=c", 202, ["Range": "0-9999"])),
      ("PUT \(at("1?s=c"))&digest=\(digest)", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.header("Content-Range", of: 3) == "5000-9999")
    #expect(test.transport.bodies[3] == Array(blob.bytes[5000...]))
    #expect(test.transport.bodies[4] == [])
    #expect(test.log.events.contains(.resumed(subject: "layer", offset: 5000)))
  }

  @Test(arguments: [
    (404, nil), (204, "0-0"), (204, nil), (204, "0-99999"), (204, "10-20"), (204, "x"),
  ])
  func `where the registry has kept nothing, it gets everything again`(status: Int, range: String?)
    async throws
  {
    let blob = TestBlob(10_000)
    let digest = escaped(blob.descriptor.digest)
    let test = TestClient(
      [
        ("POST \(at(""))", opened("1")), ("PUT \(at("1"))?digest=\(digest)", .cut(after: 6000)),
        ("GET \(at("1"))", .status(status, range.map { ["Range": $0] } ?? [:])),
        ("HEAD \(base)/\(blob.descriptor.digest)", .status(404)),
      ] + (status == 404 ? [] : [("DELETE \(at("1"))", .status(204))]) + [
        ("POST \(at(""))", opened("2")), ("PUT \(at("2"))?digest=\(digest)", .status(201)),
      ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.bodies.last == blob.bytes)
    #expect(test.transport.remaining == 0)
  }

  @Test func `an upload of which only the answer was lost is done`() async throws {
    let blob = TestBlob(10_000)
    let test = TestClient([
      ("POST \(at(""))", opened("1")),
      ("PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))", .cut()),
      ("GET \(at("1"))", .status(404)), ("HEAD \(base)/\(blob.descriptor.digest)", .status(200)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.remaining == 0)
  }

  @Test func `an upload that does not get on is begun again, and given up in the end`() async throws {
    let blob = TestBlob(5 << 20)
    // Keeps 2 MiB of everything it gets, and never more.
    let transport = ScriptedTransport { request in
      switch request.method {
      case .post: .status(202, ["Location": "/v2/u"])
      case .get: .status(204, ["Range": "0-2097151"])
      case .head: .status(404)
      case .delete: .status(204)
      default: .cut(after: 3000)
      }
    }
    let test = TestClient(transport, attempts: 4)
    let error = await registryError {
      try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    }
    guard case .transport = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(transport.requests.count < 30)
    #expect(transport.requests.filter { $0.method == .post }.count > 1)
  }

  @Test func `a registry that is busy is asked again later`() async throws {
    let blob = TestBlob(10)
    let test = TestClient([
      ("POST \(at(""))", .status(503)), ("POST \(at(""))", .status(429, ["Retry-After": "7"])),
      ("POST \(at(""))", opened("1")),
      ("PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.time.sleeps.count == 2)
    #expect(test.time.sleeps.contains(.seconds(7)))
  }

  @Test func `an upload that the registry forgot is begun again`() async throws {
    let blob = TestBlob(10)
    let digest = escaped(blob.descriptor.digest)
    let test = TestClient([
      ("POST \(at(""))", opened("1")),
      ("PUT \(at("1"))?digest=\(digest)", .status(404, [:], message("BLOB_UPLOAD_UNKNOWN"))),
      ("POST \(at(""))", opened("2")), ("PUT \(at("2"))?digest=\(digest)", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
  }

  // MARK: Chunks

  /// A registry, or a front of it, that takes no request with more than `limit` bytes.
  private func narrow(_ limit: Int64, minimum: Int64? = nil, keeps: Bool = true, status: Int = 413)
    -> ScriptedTransport
  {
    ScriptedTransport { request in
      if let count = request.bodySource?.byteCount, count > limit { return Reply(status: status).taking(0) }
      let range = request.headers.first("Content-Range")
      let location = "/v2/u?at=\(range ?? "0")"
      switch request.method {
      case .post:
        return .status(
          202,
          minimum.map { ["Location": "/v2/u", "OCI-Chunk-Min-Length": "\($0)"] } ?? ["Location": "/v2/u"])
      case .patch:
        let end = range?.split(separator: "-").last ?? ""
        return .status(202, ["Location": location, "Range": keeps ? "0-\(end)" : "0-0"])
      case .put: return .status(201)
      default: return .status(204)
      }
    }
  }

  struct Narrowness: Sendable {
    /// What the registry takes at once, and wants at least, in KiB.
    let limit: Int
    var minimum: Int?
    let chunk: Int
    var status = 413
  }

  @Test(arguments: [
    Narrowness(limit: 10240, chunk: 5120), Narrowness(limit: 4096, chunk: 4096, status: 416),
    Narrowness(limit: 1024, chunk: 1024), Narrowness(limit: 10240, minimum: 6144, chunk: 6144),
    Narrowness(limit: 8192, minimum: 8192, chunk: 8192),
  ])
  func `chunks are as long as the registry takes and not shorter than it wants`(
    narrowness: Narrowness
  ) async throws {
    let blob = TestBlob((11 << 20) + 5)
    let transport = narrow(
      Int64(narrowness.limit << 10), minimum: narrowness.minimum.map { Int64($0 << 10) },
      status: narrowness.status)
    let chunk = narrowness.chunk << 10
    let test = TestClient(transport)
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    let patches = zip(transport.requests, transport.bodies).filter { $0.0.method == .patch && !$0.1.isEmpty }
    #expect(patches.flatMap(\.1) == blob.bytes)
    #expect(patches.dropLast().allSatisfy { $0.1.count == chunk })
    #expect(patches.first?.0.headers.first("Content-Range") == "0-\(chunk - 1)")
    #expect(patches.last?.0.headers.first("Content-Range")?.hasSuffix("-\(blob.bytes.count - 1)") == true)
    // Each chunk goes to where the answer before said.
    #expect(patches.last?.0.url.description.contains("?at=") == true)
    #expect(test.time.sleeps.isEmpty)
  }

  @Test func `when no chunk is short enough the registry's own words are thrown`() async throws {
    let blob = TestBlob(3 << 20)
    let test = TestClient(narrow(1000))
    let error = await registryError {
      try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    }
    #expect(error?.refusal?.status == 413)
  }

  @Test func `a registry that takes chunks without counting them is believed once, then not asked any more`()
    async throws
  {
    let blob = TestBlob(9 << 20)
    let transport = narrow(5 << 20, keeps: false)
    let test = TestClient(transport)
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    let patches = zip(transport.requests, transport.bodies).filter { $0.0.method == .patch && !$0.1.isEmpty }
    #expect(patches.map(\.1.count) == [5 << 20, 5 << 20, 4 << 20])
    #expect(test.log.lines.contains { $0.contains("says that it has 0") })
  }

  // MARK: Wrong bytes

  @Test(arguments: ["DIGEST_INVALID", "SIZE_INVALID"])
  func `bytes with another digest are named`(code: String) async throws {
    let blob = TestBlob(10)
    let test = TestClient([
      ("POST \(at(""))", opened("1")),
      (
        "PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))", .status(400, [:], message(code))
      ),
    ])
    let error = await registryError {
      try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer 3 of 7")
    }
    guard case .wrongUpload("layer 3 of 7", blob.descriptor.digest, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect("\(try #require(error))".hasPrefix("layer 3 of 7: "))
  }

  @Test func `parts that the registry puts together wrongly are sent as a whole once more`() async throws {
    let blob = TestBlob(10_000)
    let digest = escaped(blob.descriptor.digest)
    let test = TestClient([
      ("POST \(at(""))", opened("1")), ("PUT \(at("1"))?digest=\(digest)", .cut(after: 6000)),
      ("GET \(at("1"))", .status(204, ["Range": "0-4999"])),
      ("PATCH \(at("1"))", opened("1", 202, ["Range": "0-9999"])),
      ("PUT \(at("1"))?digest=\(digest)", .status(400, [:], message("DIGEST_INVALID"))),
      ("DELETE \(at("1"))", .status(404)), ("POST \(at(""))", opened("2")),
      ("PUT \(at("2"))?digest=\(digest)", .status(201)),
    ])
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    #expect(test.transport.bodies.last == blob.bytes)
  }

  @Test func `a source that ends early or fails ends the upload`() async throws {
    let steps = [("POST \(at(""))", opened("1"))]
    for (blob, isShort) in [(TestBlob(10, giving: 9), true), (TestBlob(10, isBroken: true), false)] {
      let put = "PUT \(at("1"))?digest=\(escaped(blob.descriptor.digest))"
      let rest = isShort ? [("DELETE \(at("1"))", Reply.status(204))] : []
      let test = TestClient(steps + [(put, .status(201))] + rest)
      do {
        try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
        Issue.record("not thrown")
      } catch RegistryError.mismatch(let mismatch, _) {
        #expect(isShort && mismatch.foundByteCount == 9)
      } catch {
        #expect(error is TestBlob.Broken && !isShort)
      }
    }
  }

  // MARK: Mounting

  private let origin = "r.example/other/image"

  private func mounting(_ blob: TestBlob) -> String {
    "POST \(at(""))?mount=\(blob.descriptor.digest)&from=other/image"
  }

  @Test(arguments: [(201, true), (400, false), (403, false), (404, false), (405, false)])
  func `a mount works or does not`(status: Int, isMounted: Bool) async throws {
    let blob = TestBlob(10)
    let test = TestClient([(mounting(blob), .status(status))])
    let mounted = try await test.client.mount(
      blob.descriptor, from: Reference(parsing: origin), to: reference)
    #expect(mounted == isMounted)
  }

  @Test func `an upload that was opened in place of a mount is used`() async throws {
    let blob = TestBlob(10)
    let test = TestClient([
      (mounting(blob), opened("5")),
      ("PUT \(at("5"))?digest=\(escaped(blob.descriptor.digest))", .status(201)),
      ("POST \(at(""))", opened("6")),
      ("PUT \(at("6"))?digest=\(escaped(blob.descriptor.digest))", .status(201)),
    ])
    let origin = try Reference(parsing: origin)
    #expect(try await test.client.mount(blob.descriptor, from: origin, to: reference) == false)
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    // Only once.
    try await test.client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
  }

  @Test func `a mount wants one token for both repositories, the target first`() async throws {
    let blob = TestBlob(10)
    let token =
      "GET https://auth.example/token?service=r&scope=repository%3Alib%2Fimage%3Apull%2Cpush"
      + "&scope=repository%3Aother%2Fimage%3Apull"
    let test = TestClient([
      (mounting(blob), .challenge(Self.bearer)), (token, .text(#"{"token":"t"}"#)),
      (mounting(blob), .status(201)),
    ])
    let origin = try Reference(parsing: origin)
    #expect(try await test.client.mount(blob.descriptor, from: origin, to: reference))
  }

  @Test(arguments: ["elsewhere.example/other/image", "r.example/lib/image"])
  func `nothing is asked for a mount that makes no sense`(origin: String) async throws {
    let blob = TestBlob(10)
    let test = TestClient([])
    let origin = try Reference(parsing: origin)
    #expect(try await test.client.mount(blob.descriptor, from: origin, to: reference) == false)
    #expect(test.transport.requests.isEmpty)
  }
}
