import Glibc

/// A thread of its own, for work that blocks.
///
/// Swift's task pool has as many threads as the machine has cores, so a stage of a pipeline that waits for another one
/// would starve everything else there.
public enum Thread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a new thread and returns at once.
  public static func detach(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Body(body)).toOpaque()
    let status = pthread_create(
      &thread, &attributes,
      { context in
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context)
    precondition(status == 0, "the system gives no more threads")
  }

  /// Runs `body` on a new thread and waits for its result without blocking a thread of the task pool.
  public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
    -> Value
  {
    try await withCheckedThrowingContinuation { continuation in
      detach { continuation.resume(with: Result { try body() }) }
    }
  }

  /// How many threads of heavy work are worth having: one for each processor, and no more than four, since each needs memory.
  public static let width = max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  /// Calls `body` with each item on threads of their own, at most `width` at a time, and blocks until all have ended.
  ///
  /// - Throws: what `body` throws for the first item for which it does; no more are begun then.
  public static func forEach<Item: Sendable>(
    _ items: [Item], width: Int = Thread.width, _ body: @escaping @Sendable (Item) throws -> Void
  ) throws {
    let places = Supply(Array(repeating: (), count: width))
    var jobs: [Promise<Void>] = []
    let hasFailed = Monitor(false)
    for item in items {
      places.take()
      if hasFailed.read({ $0 }) { break }
      let job = Promise<Void>()
      jobs.append(job)
      detach {
        let outcome = Result { try body(item) }
        if case .failure = outcome { hasFailed.update { $0 = true } }
        places.put(back: ())
        job.fulfil(outcome)
      }
    }
    let outcomes = jobs.map { job in Result { try job.value() } }
    for outcome in outcomes { try outcome.get() }
  }
}
