import ArchiveIO
import SystemPackage

/// Tells a thread that waits for descriptors to stop.
final class Interrupter: Sendable {
  /// Becomes readable when the thread is to stop.
  let signal: FileDescriptor
  private let trigger: FileDescriptor

  init() throws { (signal, trigger) = try FileDescriptor.pipe(options: .closeOnExec) }

  /// Makes the thread stop.
  func interrupt() { _ = try? trigger.writeAll([0]) }

  deinit {
    try? signal.close()
    try? trigger.close()
  }
}
