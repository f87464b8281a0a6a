public import MachineProtocol
import Synchronization

/// The job of a machine that may start before there is one: what the job needs of the disks is written meanwhile.
public final class PendingJob: Sendable {
  /// What a machine is to do, and who gets what its program prints.
  struct Content: Sendable {
    let job: GuestJob
    let log: @Sendable (UnsafeRawBufferPointer) -> Void
  }

  /// Raised when there is a job.
  let signal: PollSignal
  private let given = Mutex<Content?>(nil)

  /// - Throws: `Errno`.
  public init() throws { signal = try PollSignal() }

  /// Says what the machine is to do, now that all its disks are written.
  ///
  /// - Parameter log: gets what the program prints, when it prints it, on another thread.
  public func give(_ job: GuestJob, log: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
    given.withLock { $0 = Content(job: job, log: log) }
    signal.raise()
  }

  var content: Content? { given.withLock { $0 } }
}
