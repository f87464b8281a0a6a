import Foundation
import Hashing
import TestSupport
import Testing

/// What an interrupted pull left is used by the next one, and only when it is right.
@Suite struct ResumeTests {
  private static let spec = Sample.large(byteCount: 24 << 20, seed: 11)
  private static let image = spec.stored
  private static let layer = Digest(of: spec.layers[0].stored)
  private static let layerSize = spec.layers[0].stored.count
  /// Where the server stops in the middle of the layer.
  private static let stop = 20 << 20
  private static var archive: [UInt8] { get async throws { try await archiveTask.value } }
  private static let archiveTask = Task { try await Sample.undisturbedArchive(of: image) }

  /// A registry that stops in the middle of the layer, the first time.
  private func stallingRegistry() throws -> MemoryRegistry {
    try MemoryRegistry(Self.image) { request, count, reply in
      request.path == MemoryRegistry.blobPath(Self.layer) && count == 0
        ? reply.stall(after: Self.stop) : reply
    }
  }

  private func cacheFile(_ place: Workplace) -> String {
    place.home.appending(".cache/cooper/blobs/sha256-\(Self.layer.hex)")
  }

  private func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Pulls until most of the layer is on the disk, and kills the tool without warning.
  private func pullAndKill(_ registry: MemoryRegistry, _ place: Workplace) async throws {
    let tool = try RunningProgram.cooper(place.pullArguments(registry.reference), home: place.home)
    defer { tool.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    while size(cacheFile(place)) < Self.stop - (2 << 20), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    tool.signal(SIGKILL)
    let result = try await tool.result()
    try #require(result.status == 128 + SIGKILL, "\(result.errors)")
    #expect(try place.directory.names().isEmpty, "killed, and nothing under the output's name or beside it")
    try #require(size(cacheFile(place)) >= Self.stop - (2 << 20))
  }

  private func rangeStart(of request: RecordedRequest) -> Int? {
    guard let range = request.header("range"), range.hasPrefix("bytes="), range.hasSuffix("-") else {
      return nil
    }
    return Int(range.dropFirst(6).dropLast())
  }

  @Test func `after kill -9 only the missing bytes are fetched, and the file is skopeo's`() async throws {
    let registry = try stallingRegistry()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await pullAndKill(registry, place)
    let outcome = try await place.pull(registry.reference)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let requests = registry.requests(for: Self.layer)
    try #require(requests.count == 2)
    let offset = try #require(rangeStart(of: requests[1]))
    // What may be fetched twice is what was in memory when the tool was killed.
    #expect(offset >= Self.stop - (3 << 20) && offset <= Self.stop)
    #expect(try place.cachedNames() == [], "a pull that succeeded needs no cache")
    try Program.require("skopeo", package: "skopeo")
    try await Program.check(
      "skopeo",
      [
        "--insecure-policy", "copy", "--src-tls-verify=false", "docker://\(registry.reference)",
        "docker-archive:\(place.directory.appending("skopeo.tar")):final:1",
      ], environment: ["HOME": place.home.path])
    #expect(try place.directory.read("skopeo.tar") == outcome.archive)
  }

  enum Damage: String, CaseIterable, Sendable {
    case flippedByte, cutShort, tooLong, emptied, other
  }

  @Test(arguments: Damage.allCases)
  func `what was left is not believed`(damage: Damage) async throws {
    let registry = try MemoryRegistry(Self.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    var left = Array(Self.spec.layers[0].stored.prefix(Self.stop))
    switch damage {
    case .flippedByte: left[12_345_678] ^= 0x40
    case .cutShort: left.removeLast(777)
    case .tooLong: left = Self.spec.layers[0].stored + [1, 2, 3]
    case .emptied: left = []
    case .other: left = [UInt8](repeating: 0x41, count: Self.layerSize)
    }
    try place.home.write(left, to: ".cache/cooper/blobs/sha256-\(Self.layer.hex)")
    let outcome = try await place.pull(registry.reference)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Self.archive
    #expect(outcome.archive == archive)
    #expect(outcome.others.isEmpty)
    #expect(try place.cachedNames() == [])
    if damage == .flippedByte || damage == .cutShort {
      let first = registry.requests(for: Self.layer).first.flatMap(rangeStart)
      #expect(first ?? 0 > 0, "what looks usable is tried")
    }
    if damage == .flippedByte {
      #expect(
        registry.requests(for: Self.layer).last?.header("range") == nil, "and then everything is fetched")
    }
  }

  @Test func `a layer that was complete is not fetched again`() async throws {
    let registry = try MemoryRegistry(Self.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try place.home.write(Self.spec.layers[0].stored, to: ".cache/cooper/blobs/sha256-\(Self.layer.hex)")
    let outcome = try await place.pull(registry.reference)
    let archive = try await Self.archive
    #expect(outcome.archive == archive, "\(outcome.errors)")
    #expect(registry.requests(for: Self.layer).isEmpty)
  }

  @Test func `what a pull into an archive left is used by one into a layout`() async throws {
    let registry = try stallingRegistry()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await pullAndKill(registry, place)
    let result = try await place.cooper([
      "pull", registry.reference, "-o", "oci:\(place.directory.appending("layout"))",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(rangeStart(of: registry.requests(for: Self.layer)[1]) ?? 0 > 0)
    let blob = try place.directory.read("layout/blobs/sha256/\(Self.layer.hex)")
    #expect(blob == Self.spec.layers[0].stored)
  }

  // MARK: Caches that are none

  enum CachePlace: String, CaseIterable, Sendable {
    /// A file is where the directory should be.
    case belowAFile
    /// Nobody can create a file there, not even root.
    case inSysfs
    /// The blob's place is taken by a directory.
    case directoryForBlob
    /// The blob's place is taken by a link to something precious.
    case linkForBlob
    /// Not a path that means the same tomorrow.
    case relative
  }

  @Test(arguments: CachePlace.allCases)
  func `a cache that cannot be used does not stop a pull`(cache: CachePlace) async throws {
    let registry = try MemoryRegistry(Sample.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    var environment: [String: String] = [:]
    let blob = place.home.appending(".cache/cooper/blobs/sha256-\(Sample.secondLayer.hex)")
    try place.home.write("precious", to: "precious")
    try place.home.write("", to: ".cache/cooper/blobs/.keep")
    switch cache {
    case .belowAFile: environment["XDG_CACHE_HOME"] = place.home.appending("precious")
    case .inSysfs:
      try FileManager.default.createDirectory(
        atPath: place.home.appending("other/cooper"), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: place.home.appending("other/cooper/blobs"), withDestinationPath: "/sys/kernel")
      environment["XDG_CACHE_HOME"] = place.home.appending("other")
    case .directoryForBlob:
      try FileManager.default.createDirectory(atPath: blob, withIntermediateDirectories: true)
    case .linkForBlob:
      try FileManager.default.createSymbolicLink(
        atPath: blob, withDestinationPath: place.home.appending("precious"))
    case .relative: environment["XDG_CACHE_HOME"] = "cache"
    }
    let outcome = try await place.pull(registry.reference, environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
    #expect(try place.home.read("precious") == Array("precious".utf8))
  }

  // MARK: Side by side

  @Test func `two pulls of one image at once are both right`() async throws {
    let registry = try MemoryRegistry(Self.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Self.layer)
        ? reply.slowly(1 << 20, everyMilliseconds: 20) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let layout = "oci:\(place.directory.appending("layout"))"
    async let first = place.cooper(place.pullArguments(registry.reference))
    async let second = place.cooper(
      [
        "pull", registry.reference, "-o", place.directory.appending("second.tar"), "--final-image-name",
        "final", "--final-image-tag", "1",
      ])
    async let third = place.cooper(["pull", registry.reference, "-o", layout])
    let results = try await [first, second, third]
    #expect(results.allSatisfy { $0.status == 0 }, "\(results.map(\.errors))")
    let archive = try await Self.archive
    #expect(try place.directory.read("out.tar") == archive)
    #expect(try place.directory.read("second.tar") == archive)
    #expect(
      try place.directory.read("layout/blobs/sha256/\(Self.layer.hex)") == Self.spec.layers[0].stored)
    #expect(try place.directory.names() == ["layout", "out.tar", "second.tar"])
    #expect(try place.cachedNames() == [])
  }

  @Test func `a pull that fails takes nothing from one that used the same layout meanwhile`() async throws {
    let slowAndWrong = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer)
        ? ScriptedReply.ok("wrong").delayed(milliseconds: 1000) : reply
    }
    var smaller = Sample.spec
    smaller.layers.removeLast()
    let good = try MemoryRegistry(smaller.stored)
    let base = try MemoryRegistry(ImageSpec().stored)
    defer { for registry in [slowAndWrong, good, base] { registry.stop() } }
    let place = try Workplace()
    defer { place.remove() }
    let layout = "oci:\(place.directory.appending("layout"))"
    try #require(await place.cooper(["pull", base.reference, "-o", layout]).status == 0)
    async let failing = place.cooper(["pull", slowAndWrong.reference, "-o", layout])
    let layer = "layout/blobs/sha256/\(Sample.firstLayer.hex)"
    let deadline = ContinuousClock.now + .seconds(60)
    while !place.directory.contains(layer), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
    let second = try await place.cooper(["pull", good.reference, "-o", layout])
    #expect(second.status == 0, "\(second.errors)")
    #expect(try await failing.status == 3)
    #expect(place.directory.contains(layer))
  }

  @Test func `two pulls into one layout at once both end up in it`() async throws {
    let registry = try MemoryRegistry(Sample.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    // The layout exists, so that both add to it.
    try #require(await place.cooper(["pull", registry.reference, "-o", "oci:\(layout):zero"]).status == 0)
    async let first = place.cooper(["pull", registry.reference, "-o", "oci:\(layout):one"])
    async let second = place.cooper(["pull", registry.reference, "-o", "oci:\(layout):two"])
    let results = try await [first, second]
    #expect(results.allSatisfy { $0.status == 0 }, "\(results.map(\.errors))")
    let index = String(decoding: try place.directory.read("layout/index.json"), as: UTF8.self)
    for name in ["zero", "one", "two"] { #expect(index.contains("\"\(name)\"")) }
  }
}
