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
  /// Cancelling the asking task throws `CancellationError`; the work itself is cancelled when nobody waits for it any more.
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
