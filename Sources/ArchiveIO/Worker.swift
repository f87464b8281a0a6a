/// A thread that does jobs one after another.
///
/// After a job failed the later ones are skipped, and `finish` tells the error.
public final class Worker: Sendable {
  /// One piece of work.
  ///
  /// It may block.
  public typealias Job = @Sendable () throws -> Void

  private struct State {
    var jobs: [Job] = []
    var busy = false
    var hasThread = false
    var stopped = false
    var failure: (any Error)?

    /// Empties the list.
    ///
    /// The jobs must be let go of outside the lock: one may hold the last reference to this worker.
    mutating func takeJobs() -> [Job] {
      defer { jobs = [] }
      return jobs
    }
  }

  private let state = Monitor(State())

  /// A worker without jobs.
  ///
  /// The thread starts with the first one.
  public init() {}

  deinit { stop() }

  /// Lets the thread end when its jobs are done.
  ///
  /// What is submitted afterwards is refused with `CancellationError`.
  public func stop() { state.update { $0.stopped = true } }

  /// Adds a job behind those already there.
  ///
  /// - Throws: the error of a job that failed before: there is no use in going on.
  public func submit(_ job: @escaping Job) throws {
    let isFirst = try state.update { state in
      if let failure = state.failure { throw failure }
      if state.stopped { throw CancellationError() }
      state.jobs.append(job)
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if isFirst {
      let state = state
      Thread.detach { Self.work(on: state) }
    }
  }

  /// Waits until everything submitted so far is done.
  ///
  /// - Throws: the error of the first job that failed.
  public func finish() throws {
    try state.wait { state -> Void? in
      guard state.jobs.isEmpty, !state.busy else { return nil }
      if let failure = state.failure { throw failure }
      return ()
    }
  }

  /// Waits until nothing is running any more, and forgets failures.
  public func reset() {
    var dropped: [Job] = []
    state.wait { state -> Void? in
      dropped += state.takeJobs()
      guard !state.busy else { return nil }
      state.failure = nil
      return ()
    }
    withExtendedLifetime(dropped) {}
  }

  private static func work(on state: Monitor<State>) { while doNextJob(state) {} }

  /// Does one job, and lets go of it; false when there will be no more.
  private static func doNextJob(_ state: Monitor<State>) -> Bool {
    var next: Job? = state.wait { state -> Job?? in
      if state.jobs.isEmpty { return state.stopped ? .some(nil) : nil }
      state.busy = true
      return state.jobs.removeFirst()
    }
    guard next != nil else { return false }
    let failure = Result { try next?() }
    // Before anybody who waits for the end goes on: what the job held may be a file that he wants to lock.
    next = nil
    let dropped = state.update { state -> [Job] in
      state.busy = false
      guard case .failure(let error) = failure else { return [] }
      state.failure = error
      return state.takeJobs()
    }
    withExtendedLifetime(dropped) {}
    return true
  }
}
