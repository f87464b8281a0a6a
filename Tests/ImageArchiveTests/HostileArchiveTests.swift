import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Design.md, section 7: damaged and malicious archives end in an error, or in exactly what their digests promise.
///
/// The first seed is `COOPER_TEST_SEED`, or 1; each case prints its own when it fails.
@Suite struct HostileArchiveTests {
  private static let first =
    ProcessInfo.processInfo.environment["COOPER_TEST_SEED"].flatMap { UInt64($0) } ?? 1
  private static let count: UInt64 = 1000

  /// Everything that a reader of the archive does; the digests of what came out of it.
  private static func read(_ file: String, scratch: TemporaryDirectory) async throws {
    let opener = ImageOpener(scratch: FilePath(scratch.path), limit: 64 << 20)
    let collection = try await opener.open(FilePath(file))
    for position in collection.listings.indices.prefix(4) {
      let source = try await collection.image(.position(position))
      let report = try await ImageVerifier(source).run()
      guard report.findings.isEmpty, case .manifest(let manifest) = source.root else { continue }
      let diffIDs = try await ImageConfig(source.bytes(manifest.value.config)).diffIDs
      for (layer, diffID) in zip(manifest.value.layers, diffIDs) {
        let bytes = try await source.bytes(layer)
        #expect(Digest(of: bytes, algorithm: layer.digest.algorithm) == layer.digest)
        // The layers of these archives are not compressed.
        #expect(Digest(of: bytes, algorithm: diffID.algorithm) == diffID)
      }
    }
  }

  @Test(arguments: HostileTar.Form.allCases)
  func `a sound archive has all that the damage is done to`(form: HostileTar.Form) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let file = try directory.write(HostileTar.sound(form), to: "x.tar")
    let image = try await directory.open("x.tar").image()
    #expect(try await ImageVerifier(image).run().layerCount == 2)
    try await Self.read(file, scratch: directory)
  }

  @Test(arguments: HostileTar.Form.allCases)
  func `a damaged archive ends in one line, or in what was promised`(form: HostileTar.Form) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var errors = 0
    for seed in Self.first..<Self.first + Self.count {
      let hostile = HostileTar(form, seed: seed)
      let file = try directory.write(hostile.bytes, to: "x.tar")
      do { try await Self.read(file, scratch: directory) } catch {
        errors += 1
        let text = "\(error)"
        let isLine =
          text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } && text.utf8.count < 8000
        #expect(isLine, "\(form) seed \(seed), \(hostile.story): \(text.debugDescription.prefix(500))")
      }
      #expect(try directory.names() == ["x.tar"], "\(form) seed \(seed), \(hostile.story)")
    }
    // Damage that nobody notices, such as in a member that nobody reads, is rare.
    #expect(errors > Int(Self.count) / 4)
  }
}
