/// Does equal work once, however many ask for it at the same time. Nothing is kept when it is done.
actor SharedWork<Key: Hashable & Sendable, Value: Sendable> {
  private struct Running {
    let number: Int
    let task: Task<Value, any Error>
    var waiting = 0
  }

  private var running: [Key: Running] = [:]
  private var count = 0

  /// The result of `work`, begun now or by whoever asked before.
  ///
  /// The work is cancelled when all tasks that wait for it are, and then throws for all of them. One that is cancelled while others
  /// still want the result waits along with them.
  func value(for key: Key, _ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try Task.checkCancellation()
    let joined = join(key, work)
    return try await withTaskCancellationHandler {
      defer { leave(key, joined.number) }
      return try await joined.task.value
    } onCancel: {
      Task { await self.abandon(key, joined.number) }
    }
  }

  /// How many wait for this work now.
  func waiting(for key: Key) -> Int { running[key]?.waiting ?? 0 }

  private func join(_ key: Key, _ work: @escaping @Sendable () async throws -> Value) -> Running {
    var entry = running[key] ?? begin(work)
    entry.waiting += 1
    running[key] = entry
    return entry
  }

  private func begin(_ work: @escaping @Sendable () async throws -> Value) -> Running {
    count += 1
    return Running(number: count, task: Task { try await work() })
  }

  private func leave(_ key: Key, _ number: Int) {
    if running[key]?.number == number { running[key] = nil }
  }

  private func abandon(_ key: Key, _ number: Int) {
    guard var entry = running[key], entry.number == number else { return }
    entry.waiting -= 1
    if entry.waiting > 0 {
      running[key] = entry
    } else {
      running[key] = nil
      entry.task.cancel()
    }
  }
}
