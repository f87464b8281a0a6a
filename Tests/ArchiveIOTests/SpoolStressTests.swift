@testable import ArchiveIO
import Hashing
import TestSupport
import Testing

/// Many spools at once on few cores, where each falls behind somewhere; also for the thread sanitizer.
@Suite(.serialized) struct SpoolStressTests {
  /// One spool with a sender that restarts now and then, and readers that start again when told to.
  private static func exercise(seed: UInt64, in test: TestDirectory) async throws -> Bool {
    var random = SeededGenerator(seed: seed)
    let spool = try test.spool()
    let sender = SpoolSender(spool: spool)
    let bytes = pattern(random.number(in: 0...(3 << 20)), seed: seed)
    let restarts = random.number(in: 0...2)
    let piece = random.pick([1500, 16 * 1024, 100_000, Spool.blockSize])
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      for reader in 0..<random.number(in: 1...3) {
        group.addTask {
          try await Thread.run { try read(spool, piece: [4000, 70_000, 1 << 20][reader]) == bytes }
        }
      }
      group.addTask {
        try await Thread.run {
          for number in 0..<restarts {
            try sender.send(pattern(bytes.count / (number + 2), seed: seed + 1), piece: piece)
            try spool.restart()
          }
          return try sender.sendAll(bytes, piece: piece) == Digest(of: bytes)
        }
      }
      return try await group.reduce(true) { $0 && $1 }
    }
  }

  private static func read(_ spool: Spool, piece: Int) throws -> [UInt8] {
    while true {
      do { return try spool.makeReader().drain(piece: piece) } catch is SpoolRestarted {}
    }
  }

  @Test(arguments: Place.allCases, 1...2)
  func `many spools at once all end, with the right bytes`(place: Place, round: UInt64) async throws {
    let test = try place.directory()
    defer { test.remove() }
    let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<16 {
        group.addTask { try await Self.exercise(seed: 100 * round + UInt64(number), in: test) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count == 16)
    #expect(outcomes.allSatisfy { $0 }, "seeds \(100 * round) to \(100 * round + 15)")
  }

  @Test func `a sender that is faster than the disk is paused and goes on`() async throws {
    // Nothing makes a disk slow for certain, but hashing takes longer than copying, and four must share the cores.
    let test = try Place.disk.directory()
    defer { test.remove() }
    let bytes = pattern(8 << 20)
    let expected = Digest(of: bytes, algorithm: .sha512)
    var pauses = 0
    for _ in 0..<50 where pauses == 0 {
      pauses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 {
          let sender = SpoolSender(spool: try test.spool(.sha512))
          group.addTask {
            let digest = try await Thread.run { try sender.sendAll(bytes, piece: Spool.blockSize) }
            #expect(digest == expected)
            return sender.pauses.value
          }
        }
        return try await group.reduce(0, +)
      }
    }
    #expect(pauses > 0)
  }
}

@Suite struct BlockPoolTests {
  @Test func `no more blocks than the limit exist, and a waiting thread gets the next free one`() async throws
  {
    let pool = BlockPool(blockSize: 4096, limit: 3)
    let most = Monitor((current: 0, most: 0))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          try? await Thread.run {
            for _ in 0..<200 {
              let block = pool.take()
              most.update { $0 = ($0.current + 1, max($0.most, $0.current + 1)) }
              most.update { $0.current -= 1 }
              withExtendedLifetime(block) {}
            }
          }
        }
      }
    }
    #expect(most.read { $0.most } <= 3)
    #expect(most.read { $0.current } == 0)
  }

  @Test func `blocks are aligned for direct I/O`() {
    let pool = BlockPool(blockSize: 8192, limit: 2)
    let (first, second) = (pool.take(), pool.take())
    for block in [first, second] {
      #expect(block.bytes.count == 8192)
      #expect(Int(bitPattern: block.bytes.baseAddress) % DirectFile.alignment == 0)
    }
    #expect(first.bytes.baseAddress != second.bytes.baseAddress)
  }
}
