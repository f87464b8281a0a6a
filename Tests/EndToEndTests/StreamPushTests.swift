import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `cooper push conf.json`: layers are made for the registry, and only those that it lacks.
@Suite struct StreamPushTests {
  private static func push(
    _ configuration: String, to registry: RegistryServer, _ repository: String, in place: Workplace,
    _ more: [String] = []
  ) async throws -> String {
    let result = try await place.cooper(
      ["push", configuration, "\(registry.address)/\(repository)", "--tls-verify=false", "--json"] + more)
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try JSONValue(parsing: result.output)["digest"]?.string)
  }

  private static func verify(_ reference: String, in place: Workplace) async throws {
    let result = try await place.cooper(["verify", "docker://\(reference)", "--tls-verify=false"])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test(arguments: ["gz", "zstd", "none"])
  func `what is pushed has the layers that are streamed`(compression: String) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    var store = try await StreamStore(seed: 31)
    defer { store.place.remove() }
    let configuration = try store.configuration()
    let options = ["--layer-compression", compression]
    let digest = try await Self.push(configuration, to: registry, "app:1", in: store.place, options)
    try await Self.verify("\(registry.address)/app:1", in: store.place)
    // Nothing remembered, and the other way round: the same bytes.
    let again = try await Self.push(
      configuration, to: registry, "other:1", in: store.place, options + ["--no-layer-cache"])
    #expect(again == digest)
    let streamed = try await store.place.cooper(["stream", "conf", configuration])
    let archive = store.place.directory.appending("streamed.tar")
    try Data(streamed.output).write(to: URL(fileURLWithPath: archive))
    let pushed = try await store.place.cooper([
      "inspect", "--json", "docker://\(registry.address)/app:1", "--tls-verify=false",
    ])
    let written = try await store.place.cooper(["inspect", "--json", archive])
    // The config lists the diff IDs of all layers.
    func config(_ result: Program.Result) throws -> String {
      try #require(try JSONValue(parsing: result.output)["configDigest"]?.string)
    }
    #expect(try config(pushed) == config(written))
  }

  @Test func `a registry that has everything gets a manifest, and an empty one gets all again`() async throws
  {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    var store = try await StreamStore(seed: 32)
    defer { store.place.remove() }
    let configuration = try store.configuration()
    let first = try await Self.push(configuration, to: registry, "app:1", in: store.place)
    let uploads = try await Self.uploads(registry)
    #expect(uploads > 0)
    // A store path never changes. One that does all the same shows that remembered layers are not even read.
    let path = try #require(store.paths.first { Self.file(in: $0) != nil })
    let file = try #require(Self.file(in: path))
    let before = try Data(contentsOf: URL(fileURLWithPath: file))
    try Data(before.map { $0 ^ 1 }).write(to: URL(fileURLWithPath: file))
    #expect(try await Self.push(configuration, to: registry, "app:2", in: store.place) == first)
    #expect(try await Self.uploads(registry) == uploads)
    // Where the bytes are wanted, they are checked, and the wrong memory is dropped.
    let other = try await RegistryServer.start()
    defer { other.stop() }
    let refused = try await store.place.cooper(
      ["push", configuration, "\(other.address)/app:1", "--tls-verify=false"])
    #expect(refused.status == 3, "\(refused.errors)")
    try before.write(to: URL(fileURLWithPath: file))
    let empty = try await RegistryServer.start()
    defer { empty.stop() }
    #expect(try await Self.push(configuration, to: empty, "app:1", in: store.place) == first)
    try await Self.verify("\(empty.address)/app:1", in: store.place)
    // After a refusal the next push makes a sound image of what is there, and no mixture of old and new.
    try Data(before.map { $0 ^ 1 }).write(to: URL(fileURLWithPath: file))
    let again = try await store.place.cooper(
      ["push", configuration, "\(other.address)/app:1", "--tls-verify=false"])
    #expect(again.status == 3, "\(again.errors)")
    #expect(try await Self.push(configuration, to: other, "app:1", in: store.place) != first)
    try await Self.verify("\(other.address)/app:1", in: store.place)
  }

  /// A file two levels below a store path, with content: changing it leaves no trace at the path itself.
  private static func file(in path: String) -> String? {
    let found = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return found.map { "\(path)/\($0)" }.first { file in
      let attributes = try? FileManager.default.attributesOfItem(atPath: file)
      return file.dropFirst(path.count + 1).contains("/")
        && attributes?[.type] as? FileAttributeType == .typeRegular
        && attributes?[.size] as? Int ?? 0 > 0 && attributes?[.referenceCount] as? Int == 1
    }
  }

  private static func uploads(_ registry: RegistryServer) async throws -> Int {
    try await registry.requests().filter { $0.method == "PUT" && $0.path.contains("/blobs/uploads/") }.count
  }
}
