import ArchiveIO
import Glibc
import MachineProtocol

/// What is known of a machine while it runs, and what that means in the end (vm-executor.md, section 5).
///
/// QEMU's own status is 0 in almost every failure, so success is only what was told completely.
struct MachineStory {
  /// The scratch disk counts as full below this many bytes.
  private static let fullBelow: UInt64 = 1 << 20
  /// More of the kernel's words than this does not help.
  private static let quotedByteCount = 600
  private static let forEver = Int(Int32.max)

  private let setup: MachineSetup
  /// What the machine is to do, once there is something.
  var job: GuestJob?
  private(set) var isReady = false
  private(set) var isStarted = false
  private(set) var ending: GuestRecord.Ending?
  private(set) var report: [UInt8] = []
  private(set) var output: (members: UInt64, byteCount: UInt64)?
  private(set) var isDone = false
  private(set) var failure: String?

  var isCancelled = false
  var isOutOfPatience = false
  var isOutputTooLarge = false
  var writeError: FileError?
  var malformed: MalformedMessage?
  var receivedByteCount: Int64 = 0
  /// What the kernel printed last, and QEMU.
  var serial = Tail()
  var messages = Tail()

  init(_ setup: MachineSetup) { self.setup = setup }

  mutating func add(_ record: GuestRecord) {
    switch record {
    case .ready: isReady = true
    case .started: isStarted = true
    case .ended(let ending): self.ending = ending
    case .report(let text): report = text
    case .output(let members, let byteCount): output = (members, byteCount)
    case .done: isDone = true
    case .failed(let reason): failure = String(decoding: reason, as: UTF8.self)
    }
  }

  /// The seconds that the machine may take until it says something again; nil for as many as are left.
  var patience: Int? {
    if !isReady || isDone || failure != nil { return nil }
    guard let job else { return Self.forEver }
    if isStarted, ending == nil {
      // The guest itself ends the program in time.
      return job.timeLimit == 0 ? Self.forEver : Int(job.timeLimit) + setup.limits.silence
    }
    return setup.limits.silence
  }

  /// Whether the guest has something to do.
  var isAtWork: Bool { isReady && job != nil }

  /// Says whether the machine did all that it was to do, now that QEMU has ended with this status of `waitpid`.
  ///
  /// - Throws: `MachineError`, `FileError`, `CancellationError`.
  func finish(status: Int32) throws {
    if isCancelled { throw CancellationError() }
    if let writeError { throw writeError }
    if isOutputTooLarge { throw MachineError.outputTooLarge(limit: setup.limits.outputByteCount) }
    if let malformed { throw MachineError.damaged(reason: malformed.description) }
    if isOutOfPatience { throw tooSlow }
    if let failure { throw MachineError.guest(reason: failure) }
    if let ending, isDone, ending.isLate || ending.status != 0 { throw failed(ending) }
    guard isDone, let output, status == 0 else { throw broken(status) }
    guard output.byteCount == UInt64(receivedByteCount) else {
      let found = "\(receivedByteCount) bytes arrived instead of \(output.byteCount)"
      throw MachineError.damaged(reason: found)
    }
  }

  private var tooSlow: MachineError {
    let words = serial.lastWords(Self.quotedByteCount)
    if isReady {
      return .silent(seconds: isDone ? setup.limits.farewell : setup.limits.silence, serial: words)
    }
    let seconds = setup.isKVM ? setup.limits.readyUnderKVM : setup.limits.readyUnderEmulation
    return .neverReady(seconds: seconds, isKVM: setup.isKVM, serial: words)
  }

  private func failed(_ ending: GuestRecord.Ending) -> MachineError {
    let status = Int(clamping: ending.status)
    if ending.isLate { return .late(seconds: Int(job?.timeLimit ?? 0)) }
    if ending.killedForMemory > 0 {
      return .outOfMemory(status: status, mebibytes: setup.memory, report: report)
    }
    if ending.freeByteCount < Self.fullBelow || ending.freeFileCount == 0 {
      return .diskFull(status: status, mebibytes: setup.diskSize, report: report)
    }
    return .program(status: status, report: report)
  }

  /// The machine ended before it was done.
  private func broken(_ status: Int32) -> MachineError {
    if let panic = serial.line(with: "Kernel panic - not syncing") {
      return .panic(reason: panic, isAtWork: isAtWork)
    }
    let signal = status & 0x7F
    if signal != 0 { return .killed(signal: Int(signal)) }
    let code = (status >> 8) & 0xFF
    if code != 0 { return .emulator(status: code, message: messages.lastWords(Self.quotedByteCount)) }
    return .reset
  }
}

/// The last bytes of a stream.
struct Tail {
  private var bytes: [UInt8] = []

  mutating func append(_ more: UnsafeRawBufferPointer, limit: Int) {
    bytes += more
    if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
  }

  private var lines: [String] {
    String(decoding: bytes.filter { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A }, as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  /// The last line that has these words, from them on.
  func line(with words: String) -> String? {
    for line in lines.reversed() {
      if let range = line.firstRange(of: words) { return String(line[range.lowerBound...]) }
    }
    return nil
  }

  /// The last lines that have at most so many characters together, in one.
  func lastWords(_ limit: Int) -> String {
    var kept: [String] = []
    var count = 0
    for line in lines.reversed() {
      count += line.count
      if count > limit { break }
      kept.append(line)
    }
    return kept.reversed().joined(separator: " | ")
  }
}
