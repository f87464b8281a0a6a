import Foundation
import TestSupport
import Testing

/// `cooper build image` against nixpkgs' own tools: rsync, GNU tar, jq and jshon, put together in testdata/image-yardstick.py.
@Suite struct ImageYardstickTests {
  private static let testdata =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata"

  /// A random input, and what the yardstick makes of it: nil when rsync refuses it.
  private static func withCase(
    seed: UInt64, _ body: (Workplace, _ expected: [UInt8]?) async throws -> Void
  ) async throws {
    for program in ["rsync", "tar", "jq", "jshon", "python3"] {
      try Program.require(program, package: program)
    }
    let place = try Workplace()
    defer { place.remove() }
    try await Program.check("python3", [testdata + "/image-cases.py", place.directory.path, "\(seed)"])
    let made = try await Program.run(
      "python3", [testdata + "/image-yardstick.py", place.directory.appending("yardstick.json")])
    let isRefused = made.errors.contains("rsync error: some files/attrs were not transferred")
    try #require(made.status == 0 || isRefused, "seed \(seed): \(made.errors)")
    try await body(place, made.status == 0 ? made.output : nil)
  }

  private static func build(
    in place: Workplace, _ arguments: [String] = [], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    let own = ["NIX_STORE_DIR": place.directory.appending("store")]
    return try await place.cooper(
      ["build", "image", place.directory.appending("spec.json"), "-o", "-", "--quiet"] + arguments,
      environment: own.merging(environment) { $1 })
  }

  /// Half of the seeds are new in each run.
  private static let batches: [[UInt64]] = (0..<4).map { (batch: UInt64) in
    let first = batch * 6 + (batch % 2 == 0 ? 0 : UInt64(getpid()) * 1000)
    return Array(first..<first + 6)
  }

  @Test(arguments: batches)
  func `a random image has the bytes that nixpkgs' tools give it`(seeds: [UInt64]) async throws {
    var compared = 0
    for seed in seeds {
      try await Self.withCase(seed: seed) { place, expected in
        // What rsync refuses, an earlier item's directory with something else's name, is not for comparing.
        guard let expected else { return }
        compared += 1
        let built = try await Self.build(in: place)
        #expect(built.status == 0, "seed \(seed): \(built.errors)")
        #expect((built.output == expected) as Bool, "seed \(seed)")
        // Under a private store, where absolute links lead nowhere on this machine.
        let store = place.directory.appending("store")
        let root = place.directory.appending("private")
        try FileManager.default.createDirectory(
          atPath: root + place.directory.path, withIntermediateDirectories: true)
        try await Program.check("mv", [store, root + store])
        let moved = try await Self.build(in: place, ["--store-root", root])
        #expect(moved.status == 0, "seed \(seed), private store: \(moved.errors)")
        #expect((moved.output == expected) as Bool, "seed \(seed), private store")
      }
    }
    #expect(compared >= 3, "rsync refused most of the seeds \(seeds)")
  }
}
