import CTrace
import Glibc

/// One thread of a traced program.
final class Tracee {
  /// Where it is between the beginning and the end of a system call.
  enum Phase {
    /// The next stop is the beginning of a call, of interest or not.
    case idle
    /// A call goes on that nobody looks at.
    case unwatched
    /// The end of a call is waited for, to go on from there.
    case watched((Int64) -> Step)
    /// A call was put in after another one, and is about to begin.
    case inserted((Int64) -> Step)
    /// The program's own call was put back, and is about to begin.
    case restored
  }

  /// The thread's number, as the tracer sees it.
  let number: pid_t
  /// Whom it believes to be.
  var credentials: Credentials
  var phase = Phase.idle
  /// The call that the program made, with its registers.
  var original = trace_call()
  /// Whether the registers may be others than the program's.
  var isAltered = false
  /// Signals that have to wait until the program's own call is over.
  var heldSignals: [(number: Int32, information: siginfo_t)] = []
  /// Those that were sent once more after that.
  var repeatedSignals: [(number: Int32, information: siginfo_t)] = []

  init(_ number: pid_t, _ credentials: Credentials) {
    (self.number, self.credentials) = (number, credentials)
  }

  /// Bytes of its memory; nil when they are not there.
  func read(_ address: UInt64, _ count: Int) -> [UInt8]? {
    guard count > 0 else { return [] }
    var isComplete = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      isComplete = trace_read(number, address, buffer.baseAddress, count) == count
      initialized = isComplete ? count : 0
    }
    return isComplete ? bytes : nil
  }

  /// The bytes of a text of at most `limit`, without the zero at its end; nil when it is longer or not there.
  func readText(_ address: UInt64, limit: Int) -> [UInt8]? {
    var text: [UInt8] = []
    var address = address
    // Most are short.
    var most = 128
    while text.count <= limit {
      // Not beyond the page: the next one may not be there.
      let count = min(4096 - Int(address % 4096), limit + 1 - text.count, most)
      guard count > 0, let piece = read(address, count) else { return nil }
      if let end = piece.firstIndex(of: 0) { return text + piece[..<end] }
      text += piece
      address += UInt64(count)
      most = 4096
    }
    return nil
  }

  /// Writes to its memory; whether all of it was there.
  func write(_ bytes: [UInt8], to address: UInt64) -> Bool {
    bytes.isEmpty || trace_write(number, address, bytes, bytes.count) == bytes.count
  }

  func write(_ bytes: UnsafeRawBufferPointer, to address: UInt64) -> Bool {
    trace_write(number, address, bytes.baseAddress, bytes.count) == bytes.count
  }

  /// Writes a number.
  func write<Number: FixedWidthInteger>(_ value: Number, to address: UInt64) -> Bool {
    withUnsafeBytes(of: value) { trace_write(number, address, $0.baseAddress, $0.count) == $0.count }
  }

  /// Calls `body` with bytes of its memory; nil when they are not there.
  func withBytes<Value>(_ address: UInt64, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value?
  {
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { buffer in
      guard trace_read(number, address, buffer.baseAddress, count) == count else { return nil }
      return body(UnsafeRawBufferPointer(buffer))
    }
  }
}

/// What becomes of a system call.
enum Step {
  /// It is over, with this result.
  case answer(Int64)
  /// The program's own call is made, and nobody looks at its result.
  case original
  /// This call is made, and its result decides what comes then.
  case make(trace_call, then: (Int64) -> Step)
}

extension trace_call {
  /// Another call in the place of this one.
  func replaced(
    by number: SystemCallNumber, _ a: UInt64, _ b: UInt64, _ c: UInt64 = 0, _ d: UInt64 = 0
  ) -> trace_call {
    var call = self
    call.number = Int64(number.rawValue)
    (call.arguments.0, call.arguments.1, call.arguments.2, call.arguments.3) = (a, b, c, d)
    return call
  }

  /// Below the stack, where the program keeps nothing (System V ABI for x86-64, section 3.2.2: 128 bytes belong to the top function).
  func scratch(_ byteCount: Int, further: Int = 0) -> UInt64 {
    (stack &- UInt64(128 + byteCount + further)) & ~63
  }
}
