import ArchiveIO
import Glibc
import Synchronization
import Testing

@Suite struct ThreadTests {
  private struct Bad: Error, Equatable { var item: Int }

  @Test(arguments: [1, 3, 20])
  func `every item has its turn, and no more than the width at a time`(width: Int) throws {
    let state = Mutex((done: [Int](), running: 0, most: 0))
    try Thread.forEach(Array(0..<20), width: width) { item in
      state.withLock { state in
        state.running += 1
        state.most = max(state.most, state.running)
      }
      usleep(1000)
      state.withLock { state in
        state.running -= 1
        state.done.append(item)
      }
    }
    #expect(state.withLock { $0.done.sorted() } == Array(0..<20))
    #expect(state.withLock { $0.most } <= width)
  }

  @Test func `an error is told when all that was begun has ended, and nothing is begun after it`() throws {
    let ended = Mutex([Int]())
    #expect(throws: Bad(item: 1)) {
      try Thread.forEach(Array(0..<1000), width: 2) { item in
        if item == 1 { throw Bad(item: item) }
        usleep(2000)
        ended.withLock { $0.append(item) }
      }
    }
    let count = ended.withLock { $0.count }
    #expect(ended.withLock { $0.contains(0) })
    #expect(count < 900)
  }

  @Test func `no items are no work`() throws {
    try Thread.forEach([Int]()) { _ in Issue.record("there is nothing to do") }
  }
}
