import ArchiveIO
import Glibc
import MachineProtocol
import SystemPackage

/// One start of a virtual machine, from QEMU's first instruction until it is gone; blocks the thread that runs it.
final class MachineRun {
  /// Of what the kernel prints, this many last bytes are kept for messages.
  private static let serialLimit = 64 << 10
  /// Seconds that QEMU has to end when it is asked to.
  private static let politeness = 5

  private let setup: MachineSetup
  private let emulator: EmulatorProcess
  private let pending: PendingJob
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
  private let outputFile: DirectFile
  /// What the guest has told and is no record yet.
  private var control: [UInt8] = []
  /// What the guest is told when it is ready.
  private var message: [UInt8] = []
  private var story: MachineStory
  /// When patience ends.
  private var deadline: ContinuousClock.Instant
  private var isEnding = false
  /// What of the machine can still say something.
  private var open: Set<Int32> = []

  /// Starts QEMU.
  init(_ setup: MachineSetup, _ pending: PendingJob) throws {
    self.setup = setup
    self.pending = pending
    outputFile = try DirectFile(creating: setup.output)
    emulator = try EmulatorProcess(setup)
    story = MachineStory(setup)
    deadline = .now + .seconds(setup.isKVM ? setup.limits.readyUnderKVM : setup.limits.readyUnderEmulation)
  }

  deinit { buffer.deallocate() }

  /// The process group of QEMU.
  var processGroup: pid_t { emulator.process }

  /// Follows the machine to its end, or ends it when `interruption` is raised.
  ///
  /// - Throws: `MachineError`, `CancellationError`.
  func follow(until interruption: PollSignal) throws {
    let all = [emulator.serial, emulator.control, emulator.log, emulator.output, emulator.messages]
    open = Set(all.map(\.rawValue))
    while !open.isEmpty {
      var waiting = open.map { descriptor in
        let isWritten = descriptor == emulator.control.rawValue && story.isAtWork && !message.isEmpty
        return pollfd(fd: descriptor, events: Int16(isWritten ? POLLIN | POLLOUT : POLLIN), revents: 0)
      }
      // Signals stay readable, and say nothing new.
      let signals = (story.isCancelled ? [] : [interruption]) + (story.job == nil ? [pending.signal] : [])
      waiting += signals.map { pollfd(fd: $0.descriptor.rawValue, events: Int16(POLLIN), revents: 0) }
      let count = poll(&waiting, nfds_t(waiting.count), milliseconds())
      if count < 0, errno != EINTR { throw Errno(rawValue: errno) }
      if count == 0 { end(because: .patience) }
      for ready in waiting where ready.revents != 0 {
        switch ready.fd {
        case interruption.descriptor.rawValue: end(because: .interruption)
        case pending.signal.descriptor.rawValue: takeJob()
        case _ where ready.revents == Int16(POLLOUT): tellJob()
        default: try take(from: FileDescriptor(rawValue: ready.fd))
        }
      }
    }
    try story.finish(status: emulator.wait())
  }

  private func milliseconds() -> Int32 {
    let left = deadline - .now
    let (seconds, attoseconds) = left.components
    return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
  }

  private enum Reason { case patience, interruption, mistake }

  /// Ends QEMU: first politely, and with force when that was not enough.
  private func end(because reason: Reason) {
    if reason == .interruption { story.isCancelled = true }
    if reason == .patience, !isEnding { story.isOutOfPatience = true }
    emulator.end(withForce: isEnding)
    isEnding = true
    deadline = .now + .seconds(Self.politeness)
  }

  private func takeJob() {
    story.job = pending.content?.job
    message = story.job?.message ?? []
    extendDeadline()
  }

  /// Writes as much of the message as there is room for.
  private func tellJob() {
    let count = message.withUnsafeBytes {
      send(emulator.control.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    // A QEMU that is gone tells itself.
    if count > 0 { message.removeFirst(count) }
  }

  private func extendDeadline() {
    if !isEnding, let patience = story.patience { deadline = .now + .seconds(patience) }
  }

  private func take(from source: FileDescriptor) throws {
    let count: Int
    do {
      count = try source.read(into: buffer)
    } catch let error as Errno {
      if error == .resourceTemporarilyUnavailable || error == .interrupted { return }
      // The other end is gone.
      count = 0
    }
    guard count > 0 else {
      open.remove(source.rawValue)
      return
    }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
    switch source {
    case emulator.serial: story.serial.append(bytes, limit: Self.serialLimit)
    case emulator.messages: story.messages.append(bytes, limit: Self.serialLimit)
    case emulator.log: pending.content?.log(bytes)
    case emulator.output: keep(bytes)
    default: read(bytes)
    }
    extendDeadline()
  }

  private func keep(_ bytes: UnsafeRawBufferPointer) {
    let place = story.receivedByteCount
    story.receivedByteCount += Int64(bytes.count)
    guard story.receivedByteCount <= setup.limits.outputByteCount else {
      story.isOutputTooLarge = true
      if !isEnding { end(because: .mistake) }
      return
    }
    do throws(FileError) { try outputFile.write(bytes, at: place) } catch {
      story.writeError = error
      if !isEnding { end(because: .mistake) }
    }
  }

  /// Lets the guest switch the machine off; QEMU may be gone already, which must not end this process.
  private func farewell() { _ = send(emulator.control.rawValue, [0], 1, Int32(MSG_NOSIGNAL)) }

  private func read(_ bytes: UnsafeRawBufferPointer) {
    control += bytes
    var rest = control[...]
    do throws(MalformedMessage) {
      while let record = try GuestRecord.take(from: &rest) {
        story.add(record)
        if record == .done || story.failure != nil {
          farewell()
          deadline = .now + .seconds(setup.limits.farewell)
        }
      }
    } catch {
      story.malformed = error
      if !isEnding { end(because: .mistake) }
      rest = []
    }
    control = Array(rest)
  }
}
