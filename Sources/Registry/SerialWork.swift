/// Does work of one kind one after the other.
actor SerialWork {
  private var last: [String: (number: Int, task: Task<Void, any Error>)] = [:]
  private var count = 0

  /// Does `work` when everything that was given for the same key before is done.
  func serially(_ key: String, _ work: @escaping @Sendable () async throws -> Void) async throws {
    count += 1
    let number = count
    let before = last[key]?.task
    let task = Task {
      _ = await before?.result
      try Task.checkCancellation()
      try await work()
    }
    last[key] = (number, task)
    defer { if last[key]?.number == number { last[key] = nil } }
    try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}
