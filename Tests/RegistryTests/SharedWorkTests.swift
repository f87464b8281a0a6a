import Synchronization
import Testing

@testable import Registry

@Suite struct SharedWorkTests {
  /// Work that waits until it is let go or cancelled.
  final class Gate: Sendable {
    private let state = Mutex((starts: 0, isOpen: false, isCancelled: false))

    var starts: Int { state.withLock { $0.starts } }
    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    func open() { state.withLock { $0.isOpen = true } }

    func pass() async throws -> Int {
      state.withLock { $0.starts += 1 }
      while !state.withLock({ $0.isOpen }) {
        if Task.isCancelled {
          state.withLock { $0.isCancelled = true }
          throw CancellationError()
        }
        await Task.yield()
      }
      return 7
    }
  }

  func wait(until condition: () -> Bool) async {
    while !condition() { await Task.yield() }
  }

  @Test func `equal work is done once at a time`() async throws {
    let (shared, gate) = (SharedWork<String, Int>(), Gate())
    async let first = shared.value(for: "a") { try await gate.pass() }
    await wait { gate.starts == 1 }
    async let second = shared.value(for: "a") { try await gate.pass() }
    async let other = shared.value(for: "b") { try await gate.pass() }
    await wait { gate.starts == 2 }
    gate.open()
    #expect(try await [first, second, other] == [7, 7, 7])
    _ = try await shared.value(for: "a") { try await gate.pass() }
    // The second may have come when the first was done, on a slow machine.
    #expect((3...4).contains(gate.starts))
  }

  @Test func `work goes on when one of two lost interest, and ends when both did`() async throws {
    let (shared, gate) = (SharedWork<String, Int>(), Gate())
    let first = Task { try await shared.value(for: "a") { try await gate.pass() } }
    await wait { gate.starts == 1 }
    let second = Task { try await shared.value(for: "a") { try await gate.pass() } }
    while await shared.waiting(for: "a") < 2 { await Task.yield() }
    first.cancel()
    while await shared.waiting(for: "a") > 1 { await Task.yield() }
    #expect(!gate.isCancelled)
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    await wait { gate.isCancelled }
  }

  @Test func `a failure is everybody's, and is not kept`() async throws {
    struct Failure: Error {}
    let shared = SharedWork<String, Int>()
    await #expect(throws: Failure.self) { try await shared.value(for: "a") { throw Failure() } }
    #expect(try await shared.value(for: "a") { 1 } == 1)
  }
}
