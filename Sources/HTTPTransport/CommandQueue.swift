import CCurl
import Synchronization

/// How callers on any thread reach the loop's thread.
final class CommandQueue: Sendable {
  enum Command: Sendable {
    case start(TransferJob)
    case cancel(Int)
    case resume(Int)
    case stop
  }

  private struct State {
    var commands: [Command] = []
    var multi: MultiHandle?
  }

  private let state: Mutex<State>

  init(_ multi: MultiHandle) { state = Mutex(State(multi: multi)) }

  /// Hands over a command; false when the loop has ended.
  @discardableResult func post(_ command: Command) -> Bool {
    state.withLock { state in
      guard let multi = state.multi else { return false }
      state.commands.append(command)
      if state.commands.count == 1 { multi.wakeUp() }
      return true
    }
  }

  /// The commands since the last call, in order.
  func take() -> [Command] {
    state.withLock { state in
      defer { state.commands.removeAll(keepingCapacity: true) }
      return state.commands
    }
  }

  /// Ends the use of the multi handle by other threads, and gives what was not done.
  func close() -> [Command] {
    state.withLock { state in
      state.multi = nil
      defer { state.commands = [] }
      return state.commands
    }
  }
}

/// A libcurl multi handle.
///
/// Unchecked, because the pointer crosses threads: only the loop's thread uses it, but for `wakeUp`, which
/// libcurl allows from any thread; the queue calls that under its lock and forgets the handle before it is
/// freed.
struct MultiHandle: @unchecked Sendable {
  let raw: UnsafeMutableRawPointer
  let library: CurlLibrary

  init(_ library: CurlLibrary) throws(TransportError) {
    guard let raw = library.functions.pointee.multi_init() else {
      throw .other(code: Int(CURLE_OUT_OF_MEMORY.rawValue), reason: library.text(for: CURLE_OUT_OF_MEMORY))
    }
    self.raw = raw
    self.library = library
    _ = curl_multi_set_long(library.functions, raw, CURLMOPT_MAXCONNECTS, Self.idleConnectionLimit)
  }

  /// Connections that are kept for later requests.
  private static let idleConnectionLimit = 64

  func wakeUp() { _ = library.functions.pointee.multi_wakeup(raw) }

  func free() { _ = library.functions.pointee.multi_cleanup(raw) }
}
