import ArchiveIO
import SystemPackage

/// Wakes a thread that waits for descriptors, once.
final class PollSignal: Sendable {
  /// Becomes readable, and stays so, when the signal is raised.
  let descriptor: FileDescriptor
  private let trigger: FileDescriptor

  init() throws { (descriptor, trigger) = try FileDescriptor.pipe(options: .closeOnExec) }

  /// Wakes the thread.
  func raise() { _ = try? trigger.writeAll([0]) }

  deinit {
    try? descriptor.close()
    try? trigger.close()
  }
}
