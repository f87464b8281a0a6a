import Foundation
import Hashing
import TestSupport
import Testing

/// Promise P1: what `cooper pull` writes is what Debian's skopeo writes, byte for byte (docker-archive-bytes.md).
@Suite struct PullBytesTests {
  @Test(arguments: ImageCases.all)
  func `a special image gives skopeo's bytes, or both refuse it`(image: ImageCase) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = ImageCase.Place(registry, repository: "case/image")
    let reference = try await image.make(place).push(to: registry, repository: place.repository)
    let (skopeo, cooper) = try await (
      Pull.bySkopeo(reference, image.platform), Pull.byCooper(reference, image.platform)
    )
    #expect((skopeo.archive == nil) == image.skopeoRefuses, "\(image.reason): \(skopeo.errors)")
    switch image.expectation {
    case .identical, .bothRefuse:
      expectSame(cooper, skopeo, image.reason)
    case .cooperMayRefuse, .skopeoRefuses:
      if cooper.archive != nil && skopeo.archive != nil { expectSame(cooper, skopeo, image.reason) }
    case .laterSkopeo(let twin):
      let twinReference = try await twin(place).push(to: registry, repository: place.repository)
      try await expectSame(cooper, Pull.bySkopeo(twinReference, image.platform), image.reason)
    }
  }

  /// Seeds 1 to 100, or the hundred that follow the number in `COOPER_TEST_SEED`.
  @Test(arguments: 0..<10)
  func `ten random images give skopeo's bytes, or both refuse them`(group: UInt64) async throws {
    let first = ProcessInfo.processInfo.environment["COOPER_TEST_SEED"].flatMap { UInt64($0) } ?? 1
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    for seed in (first + 10 * group)..<(first + 10 * group + 10) {
      let image = try await ImageGenerator.random(seed: seed)
      let reference = try image.push(to: registry, repository: "random/image-\(seed)")
      try await expectSame(Pull.byCooper(reference), Pull.bySkopeo(reference), "ImageGenerator seed \(seed)")
    }
  }

  @Test(arguments: [
    (3, "c3813426c80767904f9d91314972449609f2c0aa6547b47c8e93ea4b6efbe6ca"),
    (2, "57b22dc934b2ae3cdfe59b72d897ccf77f4f3c47d3d2b9aff8ea6d6d011e06c6"),
    (1, "a0c2fc3a135708945757ae51428c5badb98b5ec1342cef5e6a164caf586a8fbc"),
  ])
  func `the worked example has the known digest in each era`(era: Int, hex: String) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let reference = try ImageCases.workedExample.push(to: registry, repository: "example")
    let outcome = try await Pull.byCooper(reference, name: ("example", "1"), ["--era", "\(era)"])
    #expect(outcome.archive.map { Digest(of: $0).hex } == hex, "\(outcome.errors)")
  }

  @Test func `the random images are mostly sound`() async throws {
    // If the generator made images that everybody refuses, the comparison above would say nothing.
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    var written = 0
    for seed in UInt64(1)...20 {
      let reference = try await ImageGenerator.random(seed: seed).push(to: registry, repository: "random")
      if try await Pull.bySkopeo(reference).archive != nil { written += 1 }
    }
    #expect(written >= 14)
  }

  private func expectSame(_ cooper: Pull.Outcome, _ skopeo: Pull.Outcome, _ reason: String) {
    let difference = cooper.firstDifference(from: skopeo)
    #expect(
      difference == nil,
      "\(reason): \(difference ?? "")\ncooper: \(cooper.errors)\nskopeo: \(skopeo.errors)")
    #expect(cooper.leftovers.isEmpty, "\(reason): left behind beside the output")
    #expect(cooper.archive != nil || !cooper.errors.isEmpty, "\(reason): refused without a word")
  }
}
