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
    var stopped = false
    var failure: (any Error)?
  }

  private let state = Monitor(State())

  /// Starts the thread.
  public init() {
    let state = state
    Thread.detach { Self.work(on: state) }
  }

  deinit { state.update { $0.stopped = true } }

  /// Adds a job behind those already there.
  ///
  /// - Throws: the error of a job that failed before: there is no use in going on.
  public func submit(_ job: @escaping Job) throws {
    try state.update { state in
      if let failure = state.failure { throw failure }
      state.jobs.append(job)
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
    state.wait { state -> Void? in
      state.jobs.removeAll()
      guard !state.busy else { return nil }
      state.failure = nil
      return ()
    }
  }

  private static func work(on state: Monitor<State>) {
    while let jobs = nextJobs(state) {
      for job in jobs {
        guard state.read({ $0.failure == nil }) else { break }
        do { try job() } catch { state.update { $0.failure = error } }
      }
      state.update { $0.busy = false }
    }
  }

  private static func nextJobs(_ state: Monitor<State>) -> [Job]? {
    state.wait { state -> [Job]?? in
      if state.jobs.isEmpty { return state.stopped ? .some(nil) : nil }
      let jobs = state.jobs
      state.jobs = []
      state.busy = true
      return jobs
    }
  }
}
