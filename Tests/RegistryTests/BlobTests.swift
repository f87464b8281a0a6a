import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

/// Blobs whole, in pieces, wrong, and from other places.
@Suite struct BlobTests {
  typealias Reply = ScriptedTransport.Reply

  static let content = Array("0123456789abcdefghij".utf8)
  static let blob = Descriptor(
    mediaType: .ociLayer, digest: Digest(of: content), byteCount: Int64(content.count))
  static let url = "GET https://reg.example/v2/a/blobs/\(blob.digest)"

  static func part(from start: Int, cutAfter: Int? = nil) -> Reply {
    .body(
      Array(content[start...]), ["Content-Range": "bytes \(start)-19/20"], status: 206, cutAfter: cutAfter)
  }

  func fetch(
    _ test: TestClient, _ blob: Descriptor = Self.blob, into receiver: TestReceiver, checksSize: Bool = true
  ) async throws {
    try await test.client.fetch(
      blob, from: Reference(parsing: "reg.example/a"), into: receiver, subject: "layer 1 of 1",
      checksSize: checksSize)
  }

  @Test func `a blob comes whole, also when its receiver pauses`() async throws {
    for pauses in [false, true] {
      let test = TestClient([(Self.url, .body(Self.content))])
      let receiver = TestReceiver(Self.blob.digest, pauses: pauses)
      try await fetch(test, into: receiver)
      #expect(receiver.bytes == Self.content)
      #expect(receiver.finishes == 1)
      #expect(test.transport.header("range", of: 0) == nil)
      #expect(test.transport.header("accept-encoding", of: 0) == nil)
    }
  }

  @Test func `a cut transfer goes on where it was cut, from the registry's own URL`() async throws {
    let signed = "GET https://s3.example/b"
    let test = TestClient([
      (Self.url, .redirect("https://s3.example/b?signature=1")),
      (signed + "?signature=1", .body(Self.content, cutAfter: 9)),
      (Self.url, .redirect("https://s3.example/b?signature=2")),
      (signed + "?signature=2", Self.part(from: 9, cutAfter: 4)),
      (Self.url, Self.part(from: 13)),
    ])
    let receiver = TestReceiver(Self.blob.digest)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(receiver.restarts == 0)
    #expect(
      test.transport.requests.map { $0.headers.first("range") } == [
        nil, nil, "bytes=9-", "bytes=9-", "bytes=13-",
      ])
    #expect(
      test.log.lines == [
        "layer 1 of 1: GET https://s3.example/b: lost the connection to s3.example: reset at byte 9; trying again in 0.5 s",
        "layer 1 of 1: continuing at byte 9",
        "layer 1 of 1: GET https://s3.example/b: lost the connection to s3.example: reset at byte 13; trying again in 1.0 s",
        "layer 1 of 1: continuing at byte 13",
      ])
  }

  @Test(arguments: [false, true])
  func `a registry that ignores Range sends the beginning again, which is passed over`(pauses: Bool)
    async throws
  {
    let test = TestClient([(Self.url, .body(Self.content))])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array(Self.content[..<9]), pauses: pauses)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(test.transport.header("range", of: 0) == "bytes=9-")
  }

  @Test func `nothing is asked for when an earlier run left everything`() async throws {
    let test = TestClient([])
    let receiver = TestReceiver(Self.blob.digest, earlier: Self.content)
    try await fetch(test, into: receiver)
    #expect(test.transport.requests.isEmpty)
    #expect(receiver.finishes == 1)
  }

  @Test(arguments: [
    Array("0123456789ABCDEFGHIJ".utf8), Array("0123456789abcdefghij and more".utf8),
  ])
  func `a wrong rest of an earlier run is fetched again from the start`(earlier: [UInt8]) async throws {
    let test = TestClient([(Self.url, .body(Self.content))])
    let receiver = TestReceiver(Self.blob.digest, earlier: earlier)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(test.transport.header("range", of: 0) == nil)
  }

  @Test func `a wrong beginning of an earlier run shows at the end, and costs one more try`() async throws {
    let test = TestClient([(Self.url, Self.part(from: 9)), (Self.url, .body(Self.content))])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array("wrong....".utf8))
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(receiver.restarts == 1)
  }

  @Test func `a 416 starts over without Range`() async throws {
    let lie = Reply.body(Array("{}".utf8), ["Content-Length": "20"], status: 416)
    let test = TestClient([(Self.url, lie), (Self.url, .body(Self.content))])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array(Self.content[..<9]))
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(test.transport.header("range", of: 1) == nil)
  }

  @Test func `a second 416 is an error`() async throws {
    let test = TestClient([(Self.url, .status(416)), (Self.url, .status(416))])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array(Self.content[..<9]))
    let error = await registryError { try await fetch(test, into: receiver) }
    #expect(error?.refusal?.status == 416)
  }

  @Test(arguments: [
    "bytes 8-19/20", "bytes 10-19/20", "bytes 9-19/21", "bytes 9-8/20", "bytes */20", "items 9-19/20",
    "bytes 9-19",
    "", "bytes 9-19/20, bytes 0-1/20",
  ])
  func `a part that does not fit is not taken`(range: String) async throws {
    let test = TestClient([
      (Self.url, .body(Array(Self.content[9...]), ["Content-Range": range], status: 206)),
      (Self.url, .body(Self.content)),
    ])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array(Self.content[..<9]))
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(receiver.restarts == 1)
    #expect(test.transport.header("range", of: 1) == nil)
  }

  @Test func `a part of unknown total fits`() async throws {
    let test = TestClient([
      (Self.url, .body(Array(Self.content[9...]), ["Content-Range": "bytes 9-19/*"], status: 206))
    ])
    let receiver = TestReceiver(Self.blob.digest, earlier: Array(Self.content[..<9]))
    try await fetch(test, into: receiver)
    #expect(receiver.restarts == 0)
  }

  @Test func `wrong content gets a second try, then it is a mismatch`() async throws {
    let wrong = Reply.body(Array("0123456789abcdefghiX".utf8))
    let test = TestClient([(Self.url, wrong), (Self.url, wrong)])
    let receiver = TestReceiver(Self.blob.digest)
    let error = await registryError { try await fetch(test, into: receiver) }
    guard case .mismatch(let mismatch, note: nil) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(mismatch.expected == Self.blob.digest)
    #expect(receiver.bytes.isEmpty)
  }

  @Test func `a Content-Encoding that nobody asked for is refused in the second try and named in the error`()
    async throws
  {
    let encoded = Reply.body(Array("gzipped".utf8), ["Content-Encoding": "gzip"])
    let good = TestClient([(Self.url, encoded), (Self.url, .body(Self.content))])
    try await fetch(good, into: TestReceiver(Self.blob.digest))
    #expect(good.transport.header("accept-encoding", of: 1) == "identity")
    let bad = TestClient(ScriptedTransport { _ in encoded })
    let error = await registryError {
      try await fetch(bad, into: TestReceiver(Self.blob.digest), checksSize: false)
    }
    #expect(error?.description.contains("Content-Encoding: gzip") == true)
  }

  @Test func `a right blob under a wrong Content-Encoding is taken`() async throws {
    let test = TestClient([(Self.url, .body(Self.content, ["Content-Encoding": "gzip"]))])
    let receiver = TestReceiver(Self.blob.digest)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
  }

  @Test func `a Content-Length that contradicts the descriptor is refused before anything is read`()
    async throws
  {
    let reply = Reply.body(Self.content + [1])
    let test = TestClient([(Self.url, reply), (Self.url, reply)])
    let receiver = TestReceiver(Self.blob.digest, capacity: 0)
    let error = await registryError { try await fetch(test, into: receiver) }
    guard case .mismatch(let mismatch, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(mismatch.found == nil)
  }

  @Test func `no more than the descriptor's size is given to the receiver`() async throws {
    let endless = Reply(status: 200, body: Self.content + [UInt8](repeating: 0, count: 1000))
    let test = TestClient([(Self.url, endless), (Self.url, endless)])
    let receiver = TestReceiver(Self.blob.digest, capacity: Self.content.count)
    let error = await registryError { try await fetch(test, into: receiver) }
    #expect(error?.description.contains("has 20 bytes, but more were sent") == true)
  }

  @Test(arguments: [Int64(-1), 0, 5, 100])
  func `a wrong size is not looked at where it does not count`(size: Int64) async throws {
    var blob = Self.blob
    blob.byteCount = size
    let test = TestClient([(Self.url, .body(Self.content))])
    let receiver = TestReceiver(blob.digest)
    try await fetch(test, blob, into: receiver, checksSize: false)
    #expect(receiver.bytes == Self.content)
  }

  @Test func `a wrong size does not spoil a continuation where it does not count`() async throws {
    var blob = Self.blob
    blob.byteCount = 9
    let test = TestClient([(Self.url, .body(Self.content))])
    let receiver = TestReceiver(blob.digest, earlier: Array(Self.content[..<9]))
    try await fetch(test, blob, into: receiver, checksSize: false)
    #expect(receiver.bytes == Self.content)
  }

  @Test func `a body without length that ends early is continued`() async throws {
    let test = TestClient([
      (Self.url, Reply(status: 200, body: Array(Self.content[..<6]))), (Self.url, Self.part(from: 6)),
    ])
    let receiver = TestReceiver(Self.blob.digest)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
  }

  @Test func `failures in a row end a transfer`() async throws {
    let test = TestClient(ScriptedTransport { _ in .status(503) })
    let error = await registryError { try await fetch(test, into: TestReceiver(Self.blob.digest)) }
    #expect(error?.refusal?.status == 503)
    #expect(test.transport.requests.count == 5)
    #expect(test.time.sleeps == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
  }

  @Test func `a mebibyte gained clears the count of failures`() async throws {
    let content = [UInt8](repeating: 7, count: 9 << 20)
    let blob = Descriptor(mediaType: .ociLayer, digest: Digest(of: content), byteCount: Int64(content.count))
    let transport = ScriptedTransport(pieceLength: 1 << 18) { request in
      let range = request.headers.first("range")?.dropFirst(6).dropLast() ?? "0"
      let start = Int(range) ?? 0
      let headers: HTTPHeaders = ["Content-Range": "bytes \(start)-\(content.count - 1)/\(content.count)"]
      return .body(
        Array(content[start...]), headers, status: start == 0 ? 200 : 206,
        cutAfter: start + (1 << 20) < content.count ? 1 << 20 : nil)
    }
    let test = TestClient(transport, attempts: 2)
    let receiver = TestReceiver(blob.digest)
    try await fetch(test, blob, into: receiver)
    #expect(receiver.bytes.count == content.count)
    #expect(test.transport.requests.count == 9)
  }

  @Test func `a receiver's own error ends the transfer at once`() async throws {
    let test = TestClient([(Self.url, .body(Self.content))])
    await #expect(throws: TestReceiver.Full.self) {
      try await fetch(test, into: TestReceiver(Self.blob.digest, capacity: 3))
    }
  }

  @Test func `a token that expires in the middle of a pull is replaced`() async throws {
    let challenge = Reply.challenge(#"Bearer realm="https://auth.example/t""#)
    let order = "GET https://auth.example/t?scope=repository%3Aa%3Apull"
    let test = TestClient([
      (Self.url, challenge), (order, .text(#"{"token":"t1"}"#)), (Self.url, .body(Self.content, cutAfter: 9)),
      (Self.url, challenge), (order, .text(#"{"token":"t2"}"#)), (Self.url, Self.part(from: 9)),
    ])
    let receiver = TestReceiver(Self.blob.digest)
    try await fetch(test, into: receiver)
    #expect(receiver.bytes == Self.content)
    #expect(test.transport.header("authorization", of: 5) == "Bearer t2")
  }

  @Test func `content in the descriptor is used without a request`() async throws {
    for pauses in [false, true] {
      var blob = Self.blob
      blob.data = Self.content
      let test = TestClient([])
      let receiver = TestReceiver(blob.digest, earlier: [1, 2], pauses: pauses)
      try await fetch(test, blob, into: receiver)
      #expect(receiver.bytes == Self.content)
    }
  }

  @Test func `wrong content in the descriptor is not used`() async throws {
    var blob = Self.blob
    blob.data = Array("wrong".utf8)
    let test = TestClient([(Self.url, .body(Self.content))])
    let receiver = TestReceiver(blob.digest)
    try await fetch(test, blob, into: receiver)
    #expect(receiver.bytes == Self.content)
  }

  @Test func `small blobs come into memory, checked`() async throws {
    let reference = try Reference(parsing: "reg.example/a")
    let test = TestClient([(Self.url, .body(Self.content))])
    #expect(try await test.client.blob(Self.blob, from: reference, limit: 20) == Self.content)
    let large = TestClient([])
    let error = await registryError { _ = try await large.client.blob(Self.blob, from: reference, limit: 19) }
    guard case .unusable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    var unknown = Self.blob
    unknown.byteCount = -1
    let endless = TestClient(
      ScriptedTransport { _ in Reply(status: 200, body: [UInt8](repeating: 0, count: 100)) })
    let other = await registryError { _ = try await endless.client.blob(unknown, from: reference, limit: 50) }
    guard case .transport(_, .bodyTooLarge(limit: 50)) = other else {
      Issue.record("\(String(describing: other))")
      return
    }
  }
}
