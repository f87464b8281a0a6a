import ArchiveIO
import Glibc
public import SystemPackage

/// Whether hardware can run the virtual machine.
public enum KVMState: Sendable, Hashable, CustomStringConvertible {
  /// A virtual processor ran code at a useful speed.
  case usable
  /// There is none on this machine; why.
  case absent(String)
  /// There is one, and this user may not use it; why.
  case notPermitted(String)
  /// It answers, and does not run code at a useful speed; why.
  case dead(String)

  /// What it is and why, without an end.
  public var description: String {
    switch self {
    case .usable: "KVM works"
    case .absent(let reason): "there is no KVM: \(reason)"
    case .notPermitted(let reason): "KVM may not be used: \(reason)"
    case .dead(let reason): "KVM is there and does not work: \(reason)"
    }
  }
}

/// Finds out within 50 ms of processor time whether KVM runs code (vm-executor.md, section 1).
///
/// That `/dev/kvm` opens and creates machines proves nothing: on nested clouds it may emulate every instruction, a thousand times too slowly. So a
/// virtual processor gets a loop to run that hardware is through with in less than a millisecond.
public struct KVMProbe: Sendable {
  /// How much processor time the loop gets.
  public static let processorTime: Duration = .milliseconds(50)
  /// How long it gets on a machine that is busy with other things.
  public static let wallTime: Duration = .seconds(2)

  private let device: String
  private let root: FilePath

  /// A probe of a device; `root` is where `proc` and `sys` are.
  public init(device: FilePath = "/dev/kvm", root: FilePath = "/") {
    self.device = device.string
    self.root = root
  }

  /// Tries it; blocks for at most two seconds.
  public func run() -> KVMState {
    #if arch(x86_64)
      let descriptor = open(device, O_RDWR | O_CLOEXEC)
      guard descriptor >= 0 else { return Self.state(ofOpening: device, errno) }
      defer { close(descriptor) }
      do {
        return try VirtualProcessor.runLoop(on: descriptor)
          ? .usable
          : .dead(
            deadReason(
              "a virtual processor is not through with \(VirtualProcessor.rounds) rounds of a loop after 50 ms of processor time"
            ))
      } catch {
        return .dead(deadReason("\(error.operation) fails: \(error.errno)"))
      }
    #else
      return .absent("only x86-64 is supported")
    #endif
  }

  private static func state(ofOpening device: String, _ code: Int32) -> KVMState {
    let reason = Errno(rawValue: code)
    switch code {
    case EACCES, EPERM:
      return .notPermitted("\(device): \(reason); whoever is in the device's group, mostly kvm, may")
    case ENOENT, ENOTDIR, ENODEV, ENXIO: return .absent("\(device): \(reason)")
    default: return .dead("\(device): \(reason)")
    }
  }

  private func deadReason(_ reason: String) -> String {
    ([reason] + hints).joined(separator: "; ")
  }

  /// What points to a KVM that does not work, without trying it.
  public var hints: [String] {
    var hints: [String] = []
    let processors = (try? DirectFile(reading: root.appending("proc/cpuinfo")).readAll(limit: 1 << 22)) ?? []
    let flags = String(decoding: processors, as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("flags")
    }
    if let flags, !flags.split(separator: " ").contains(where: { $0 == "vmx" || $0 == "svm" }) {
      hints.append("the processor has neither vmx nor svm")
    }
    if access(root.appending("sys/module/kvm_pvm").string, F_OK) == 0 {
      hints.append("the module kvm_pvm runs only kernels that were built for it")
    }
    return hints
  }
}
