import Glibc

/// A detached thread.
enum LoopThread {
  /// A body that crosses `pthread_create` as a pointer.
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a new thread.
  ///
  /// Signals are left to the other threads; above all, OpenSSL's writes to a closed connection must not end
  /// the process by SIGPIPE. libcurl's resolver threads inherit that.
  static func start(_ body: @escaping @Sendable () -> Void) throws(TransportError) {
    let context = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        LoopThread.blockSignals()
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw .other(code: Int(code), reason: "no thread for transfers: \(String(cString: strerror(code)))")
    }
    pthread_detach(thread)
  }

  private static func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
