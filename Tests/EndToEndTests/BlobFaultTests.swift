import Hashing
import TestSupport
import Testing

/// A registry that sends blobs wrongly: the pull ends with the right file, or with nothing and the reason.
@Suite struct BlobFaultTests {
  /// Pulls the sample image with `fault` applied to its second layer, whose requests are given back.
  private func pull(
    _ more: [String] = [],
    _ fault: @escaping @Sendable (_ count: Int, _ reply: ScriptedReply) -> ScriptedReply
  ) async throws -> (outcome: Workplace.Outcome, requests: [RecordedRequest]) {
    let registry = try MemoryRegistry(Sample.image) { request, count, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? fault(count, reply) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference, more)
    #expect(outcome.others.isEmpty)
    return (outcome, registry.requests(for: Sample.secondLayer))
  }

  private func expectSuccess(_ outcome: Workplace.Outcome) async throws {
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
  }

  private func expectMismatch(_ outcome: Workplace.Outcome, _ words: [String]) {
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.leftNothing)
    for word in words { #expect(outcome.errors.contains(word), "no “\(word)” in: \(outcome.errors)") }
  }

  private static let layerSize = Sample.spec.layers[1].stored.count

  // MARK: Cut connections

  @Test(arguments: [
    0, 1, 2, 511, 512, 513, 1024, 4095, 4096, 4097, 5632, layerSize - 1025, layerSize - 512, layerSize - 1,
  ])
  func `a connection that is closed after any byte is taken up there`(offset: Int) async throws {
    let (outcome, requests) = try await pull { count, reply in count == 0 ? reply.cut(after: offset) : reply }
    try await expectSuccess(outcome)
    #expect(requests.map { $0.header("range") } == [nil, offset == 0 ? nil : "bytes=\(offset)-"])
  }

  @Test(arguments: [0, 1, 513, 4096, layerSize - 1])
  func `a connection that is reset after any byte is taken up not after it`(offset: Int) async throws {
    let (outcome, requests) = try await pull { count, reply in count == 0 ? reply.reset(after: offset) : reply
    }
    try await expectSuccess(outcome)
    let range = requests.last?.header("range").flatMap { Int($0.dropFirst(6).dropLast()) }
    #expect(requests.count == 2 && range ?? 0 <= offset)
  }

  @Test(arguments: [0, 700, 3000])
  func `a chunked body that ends in the middle of a chunk is taken up there`(offset: Int) async throws {
    let (outcome, requests) = try await pull { count, reply in
      count == 0 ? reply.chunked(1000).cut(after: offset) : reply.chunked(1000)
    }
    try await expectSuccess(outcome)
    #expect(requests.count == 2)
  }

  @Test func `several cuts of one layer are survived`() async throws {
    let (outcome, requests) = try await pull { count, reply in count < 3 ? reply.cut(after: 1500) : reply }
    try await expectSuccess(outcome)
    #expect(requests.map { $0.header("range") } == [nil, "bytes=1500-", "bytes=3000-", "bytes=4500-"])
  }

  @Test func `a connection that is always cut at once ends the pull after the allowed tries`() async throws {
    let (outcome, requests) = try await pull(["--retry", "1"]) { $1.cut(after: 0) }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("layer 2 of 2") || outcome.errors.contains("\(Sample.secondLayer)"))
    #expect(requests.count == 2)
  }

  // MARK: Range

  @Test func `a server that ignores Range is listened to from the beginning`() async throws {
    let layer = Sample.spec.layers[1].stored
    let (outcome, requests) = try await pull { count, reply in
      count == 0 ? reply.cut(after: 2000) : .ok(layer)
    }
    try await expectSuccess(outcome)
    #expect(requests.count == 2)
  }

  @Test(arguments: [
    "bytes 1999-6655/6656", "bytes 2001-6655/6656", "bytes 0-6655/6656", "bytes 2000-6655/9999",
    "bytes */6656",
    "lines 2000-6655/6656", "",
  ])
  func `a part with another Content-Range than asked for is not used`(field: String) async throws {
    try #require(Self.layerSize == 6656)
    let layer = Sample.spec.layers[1].stored
    let (outcome, requests) = try await pull { count, reply in
      switch count {
      case 0: reply.cut(after: 2000)
      case 1: .status(206, Array(layer[2000...].reversed()), ["Content-Range": field])
      default: reply
      }
    }
    if field.hasSuffix("9999") {
      // The total says nothing about these bytes; they are wrong all the same.
      #expect(outcome.status == 0 || outcome.status == 3)
      #expect(outcome.status == 0 || outcome.leftNothing)
    } else {
      try await expectSuccess(outcome)
      #expect(requests.last?.header("range") == nil)
    }
  }

  @Test func `a part whose bytes are wrong costs one more try`() async throws {
    let layer = Sample.spec.layers[1].stored
    let (outcome, requests) = try await pull { count, reply in
      switch count {
      case 0: reply.cut(after: 2000)
      case 1: .status(206, Array(layer[2000...].reversed()), ["Content-Range": "bytes 2000-6655/6656"])
      default: reply
      }
    }
    try await expectSuccess(outcome)
    #expect(requests.last?.header("range") == nil)
  }

  /// docker-registry 2.8.2 announces the length of the whole blob, and sends 33 bytes (registry-protocol.md, section 6).
  @Test(arguments: [true, false])
  func `a refused Range leads back to the beginning, also when the refusal lies about its length`(isLie: Bool)
    async throws
  {
    let (outcome, requests) = try await pull { count, reply in
      switch count {
      case 0: return reply.cut(after: 2000)
      case 1:
        let refusal = ScriptedReply.status(416, Array("seeker: cannot read past the end\n".utf8))
        return isLie ? refusal.declaring(Self.layerSize) : refusal
      default: return reply
      }
    }
    try await expectSuccess(outcome)
    #expect(requests.last?.header("range") == nil)
  }

  // MARK: Wrong bytes

  @Test func `a layer with a wrong byte is refused with both digests`() async throws {
    var wrong = Sample.spec.layers[1].stored
    wrong[3000] ^= 1
    let (outcome, requests) = try await pull { [wrong] _, _ in .ok(wrong) }
    expectMismatch(outcome, ["layer 2", "\(Sample.secondLayer)", "\(Digest(of: wrong))"])
    #expect(requests.count == 2, "wrong bytes get one more chance")
  }

  @Test func `a layer that is right the second time is taken`() async throws {
    var wrong = Sample.spec.layers[1].stored
    wrong[0] ^= 1
    let (outcome, _) = try await pull { [wrong] count, reply in count == 0 ? .ok(wrong) : reply }
    try await expectSuccess(outcome)
  }

  @Test func `a layer that is too short, and says so, is refused`() async throws {
    let short = Array(Sample.spec.layers[1].stored.dropLast())
    let (outcome, _) = try await pull { _, _ in .ok(short) }
    expectMismatch(outcome, ["layer 2", "\(Sample.secondLayer)"])
  }

  @Test func `a layer that is too long is refused`() async throws {
    let long = Sample.spec.layers[1].stored + [0]
    let (outcome, _) = try await pull { _, _ in .ok(long) }
    expectMismatch(outcome, ["layer 2", "\(Sample.secondLayer)"])
  }

  @Test func `an empty layer in place of one with content is refused`() async throws {
    let (outcome, _) = try await pull { _, _ in .ok([]) }
    expectMismatch(outcome, ["layer 2", "\(Sample.secondLayer)"])
  }

  @Test func `a body longer than announced leaves no trace in the file`() async throws {
    let layer = Sample.spec.layers[1].stored
    let (outcome, _) = try await pull { count, reply in
      count == 0 ? ScriptedReply.ok(layer + Array("HTTP/1.1 200 OK\r\n".utf8)).declaring(layer.count) : reply
    }
    try await expectSuccess(outcome)
  }

  @Test(arguments: ["config", "manifest"])
  func `a wrong document is refused`(which: String) async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      let isConfig = request.path == MemoryRegistry.blobPath(Sample.config)
      let isManifest = request.path.contains("/manifests/")
      guard which == "config" ? isConfig : isManifest else { return reply }
      let bytes = isConfig ? Sample.spec.config : Sample.spec.manifest
      return .ok(
        bytes.map { $0 == UInt8(ascii: "6") ? UInt8(ascii: "7") : $0 },
        ["Content-Type": ImageSpec.Format.oci.manifestType])
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference)
    expectMismatch(outcome, [which == "config" ? "\(Sample.config)" : "\(Sample.image.digest)"])
  }

  // MARK: Content-Encoding

  @Test func `a Content-Encoding that only is a header does no harm`() async throws {
    let (outcome, _) = try await pull { $1.header("Content-Encoding", "gzip") }
    try await expectSuccess(outcome)
  }

  @Test func `an encoded layer is asked for again without encoding`() async throws {
    let encoded = try await LayerBytes.gzip(Sample.spec.layers[1].stored)
    let (outcome, requests) = try await pull { count, reply in
      count == 0 ? ScriptedReply.ok(encoded).header("Content-Encoding", "gzip") : reply
    }
    try await expectSuccess(outcome)
    #expect(requests.map { $0.header("accept-encoding") } == [nil, "identity"])
  }

  @Test func `a layer that is always encoded is refused, with the reason`() async throws {
    let encoded = try await LayerBytes.gzip(Sample.spec.layers[1].stored)
    let (outcome, _) = try await pull { _, _ in ScriptedReply.ok(encoded).header("Content-Encoding", "gzip") }
    expectMismatch(outcome, ["layer 2", "Content-Encoding: gzip"])
  }

  // MARK: Stalls

  @Test(arguments: [0, 3000])
  func `a body that stops coming is given up and taken up again`(offset: Int) async throws {
    let (outcome, requests) = try await pull(["--stall-seconds", "1"]) { count, reply in
      count == 0 ? reply.stall(after: offset) : reply
    }
    try await expectSuccess(outcome)
    #expect(requests.map { $0.header("range") } == [nil, offset == 0 ? nil : "bytes=\(offset)-"])
  }

  @Test func `an answer that never comes ends the pull with the reason`() async throws {
    let (outcome, requests) = try await pull(["--stall-seconds", "1", "--retry", "1"]) { $1.stall(after: 0) }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("stalled") || outcome.errors.contains("1 s"), "\(outcome.errors)")
    #expect(requests.count == 2)
  }
}
