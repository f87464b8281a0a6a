import ArchiveIO
import Glibc
import Synchronization

/// Ends a system call that takes too long.
enum TimeLimit {
  /// Has the signal do nothing but end calls, and that for good: it may be on its way when the next limit begins.
  ///
  /// Without SA_RESTART: the interrupted call must not begin again.
  private static let catchSignal: Void = {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGPROF, &action, nil)
  }()

  /// Runs `body`, a system call, on a thread of its own, and interrupts it when it has used that much processor time or taken that much time.
  ///
  /// Processor time says more on a busy machine. The thread is sent SIGPROF, again and again until it is done, so a call that a signal does not
  /// end is not ended.
  ///
  /// - Returns: what the call returns, or nil when it was ended.
  static func run(
    processor: Duration, wall: Duration, _ body: @escaping @Sendable () -> Int32
  ) -> Int32? {
    let job = Job(body)
    Self.catchSignal
    var thread = pthread_t()
    let context = Unmanaged.passRetained(job)
    let status = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Job>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    precondition(status == 0, "the system gives no more threads")
    let start = ContinuousClock.now
    var wasEnded = false
    while !job.isDone.load(ordering: .acquiring) {
      usleep(1000)
      if job.isDone.load(ordering: .acquiring) { break }
      guard used(by: thread) > processor || ContinuousClock.now - start > wall else { continue }
      wasEnded = true
      pthread_kill(thread, SIGPROF)
    }
    pthread_join(thread, nil)
    return wasEnded ? nil : job.result.load(ordering: .acquiring)
  }

  private static func used(by thread: pthread_t) -> Duration {
    var clock = clockid_t()
    var time = timespec()
    guard pthread_getcpuclockid(thread, &clock) == 0, clock_gettime(clock, &time) == 0 else { return .zero }
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  private final class Job: Sendable {
    let body: @Sendable () -> Int32
    let result = Atomic<Int32>(0)
    let isDone = Atomic<Bool>(false)

    init(_ body: @escaping @Sendable () -> Int32) { self.body = body }

    func run() {
      // A thread that a task of Swift's pool makes has its signals blocked.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGPROF)
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      result.store(body(), ordering: .releasing)
      isDone.store(true, ordering: .releasing)
    }
  }
}
