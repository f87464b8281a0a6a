import Foundation
import Hashing
import OrderedJSON
import Synchronization
import TestSupport
import Testing

/// Copies between registries with different logins, and into docker-archives.
@Suite struct CopySidesTests {
  @Test func `source and destination have logins of their own`() async throws {
    let (first, second) = try await (
      RegistryServer.start(.basic(user: "one", password: "1")),
      RegistryServer.start(.basic(user: "two", password: "2"))
    )
    defer { first.stop(); second.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let reference = try ImageSpec().stored.push(to: first, repository: "a", tag: "1")
    let target = "docker://\(second.address)/b:1"
    let result = try await place.cooper([
      "copy", reference, target, "--src-creds", "one:1", "--dest-creds", "two:2",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let digest = try await place.cooper(["digest", "\(second.address)/b:1", "--creds", "two:2"])
    #expect(reference.hasSuffix(digest.text) && !digest.text.isEmpty)
    let mixed = try await place.cooper(["copy", reference, target, "--creds", "one:1"])
    #expect(mixed.status == 2 && mixed.errors.contains("--dest-creds"), "\(mixed.errors)")
    let wrong = try await place.cooper([
      "copy", reference, target, "--src-creds", "one:1", "--dest-creds", "one:1",
    ])
    #expect(wrong.status == 5, "\(wrong.errors)")
  }

  /// A server that answers for a layer only when as many are asked for at the same time.
  @Test func `layers for a docker-archive are fetched side by side`() async throws {
    var layers: [[UInt8]] = []
    let tars = (0..<5).map { LayerBytes.tar("f", "\($0)") }
    for tar in tars { layers.append(try await LayerBytes.gzip(tar)) }
    let diffIDs = tars.map { "\"\(Digest(of: $0))\"" }.joined(separator: ",")
    let config =
      #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]}}"#
    let spec = ImageSpec(.oci, layers: layers.map { .init($0) }, config: Array(config.utf8))
    let (image, count) = (spec.stored, layers.count)
    let waiting = Mutex(0)
    let server = try ScriptedServer { request in
      let name = String(request.path.split(separator: "/").last ?? "")
      let digest = try? Digest(parsing: name)
      if request.path.contains("/manifests/") {
        return .ok(image.manifest, ["Content-Type": ImageSpec.Format.oci.manifestType])
      }
      guard let digest, let bytes = image.blobs[digest] else { return .ok("{}") }
      if digest != Digest(of: spec.config) {
        waiting.withLock { $0 += 1 }
        for _ in 0..<200 where waiting.withLock({ $0 }) < count { usleep(50_000) }
        guard waiting.withLock({ $0 }) >= count else { return .status(500) }
      }
      return .ok(bytes)
    }
    defer { server.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let archive = place.directory.appending("a.tar")
    let result = try await place.cooper([
      "copy", "127.0.0.1:\(server.port)/a@\(image.digest)", "docker-archive:\(archive):a:1", "--retry", "0",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try await place.cooper(["verify", archive]).status == 0)
    #expect(try place.cachedNames() == [])
  }
}
