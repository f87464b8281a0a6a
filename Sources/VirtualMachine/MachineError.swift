import MachineProtocol

/// Why the virtual machine did not do what it was to do.
public enum MachineError: Error, Hashable {
  // What is missing.
  /// There is no `qemu-system-x86_64` in `PATH`.
  case noQEMU
  /// QEMU does not say which version it is.
  case unknownQEMU(output: String)
  /// Older versions of QEMU emulate newer kernels so that they crash at random (vm-executor.md, section 2).
  case oldQEMU(version: String, kernel: String)
  /// There is no guest program at any of these places.
  case noGuest(searched: [String])
  /// KVM was asked for by name, and this machine cannot give it.
  case noKVM(reason: String)

  // What went wrong before the program was started.
  /// QEMU ended with this status before its guest worked.
  case emulator(status: Int32, message: String)
  /// The guest did not tell within so many seconds that it works.
  case neverReady(seconds: Int, isKVM: Bool, serial: String)
  /// The guest could not prepare what the program needs, or not give its result.
  case guest(reason: String)

  // What went wrong afterwards.
  /// The program ended with this status, or 128 and the number of a signal; the text is its report.
  case program(status: Int, report: [UInt8])
  /// The program was killed when its time was over.
  case late(seconds: Int)
  /// The guest no longer answers.
  case silent(seconds: Int, serial: String)
  /// The program failed, and the scratch disk is full.
  case diskFull(status: Int, mebibytes: Int, report: [UInt8])
  /// The program failed after the kernel had killed processes for their memory.
  case outOfMemory(status: Int, mebibytes: Int, report: [UInt8])
  /// The guest's kernel stopped because of a mistake, when it had its job or before.
  case panic(reason: String, isAtWork: Bool)
  /// The machine was switched off or started anew before it was done.
  case reset
  /// A signal ended QEMU.
  case killed(signal: Int)
  /// The guest said something that it never says, or not as much as it said.
  case damaged(reason: String)
  /// The result is longer than this machine takes.
  case outputTooLarge(limit: Int64)
}

extension MachineError: CustomStringConvertible {
  /// One line for people, and the end of what the kernel printed where that may help.
  public var description: String {
    switch self {
    case .noQEMU:
      "there is no qemu-system-x86_64 in PATH; install Debian's qemu-system-x86, or choose another executor"
    case .unknownQEMU(let output): "qemu-system-x86_64 --version says “\(output)” and no version"
    case .oldQEMU(let version, let kernel):
      "QEMU \(version) cannot emulate the kernel \(kernel) reliably: take QEMU 8.1 or newer, or a kernel up to 6.1 (tools/vm-kernel)"
    case .noGuest(let searched):
      "there is no cooper-guest, the program that works in the virtual machine, at \(searched.joined(separator: ", "));"
        + " build it with `swift build --product cooper-guest`, or name it with COOPER_GUEST"
    case .noKVM(let reason): "KVM cannot be used: \(reason); the executor “tcg” needs none"
    case .emulator(let status, let message):
      "QEMU ended with status \(status)" + (message.isEmpty ? "" : ": \(message)")
    case .neverReady(let seconds, let isKVM, let serial):
      "the virtual machine did not start within \(seconds) seconds under \(isKVM ? "KVM" : "emulation")"
        + Self.quoted(serial)
    case .guest(let reason): "the virtual machine could not do its work: \(reason)"
    case .program(let status, _): Self.ending(status)
    case .late(let seconds): "the commands were ended after \(seconds) seconds, which is their limit"
    case .silent(let seconds, let serial):
      "the virtual machine said nothing for \(seconds) seconds and was ended" + Self.quoted(serial)
    case .diskFull(let status, let mebibytes, _):
      "\(Self.ending(status)), and the machine's disk of \(mebibytes) MiB is full; raise “diskSize”"
    case .outOfMemory(let status, let mebibytes, _):
      "\(Self.ending(status)), and the machine's \(mebibytes) MiB of memory were too little; raise “buildVMMemorySize”"
    case .panic(let reason, let isAtWork):
      "the virtual machine's kernel stopped \(isAtWork ? "while the commands ran" : "when it started"): \(reason)"
    case .reset: "the virtual machine was switched off or started anew before the commands were done"
    case .killed(let signal): "signal \(signal) ended QEMU"
    case .damaged(let reason): "the virtual machine's result is damaged: \(reason)"
    case .outputTooLarge(let limit):
      "the commands changed more than \(limit >> 20) MiB, which is more than is taken out of the machine"
    }
  }

  private static func ending(_ status: Int) -> String {
    status > 128
      ? "the commands ended with signal \(status - 128)" : "the commands ended with status \(status)"
  }

  private static func quoted(_ serial: String) -> String {
    serial.isEmpty ? "; its kernel printed nothing" : "; the last that its kernel printed: \(serial)"
  }

  /// What the program left for whoever wants to know why it failed; nil where it did not get as far.
  public var report: [UInt8]? {
    switch self {
    case .program(_, let report), .diskFull(_, _, let report), .outOfMemory(_, _, let report): report
    default: nil
    }
  }
}
