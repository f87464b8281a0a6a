import CTrace
import Glibc
public import Confinement

/// Runs programs that believe to be root, and keeps what they say about files: owners, modes, devices, attributes.
///
/// Everything else is as the kernel has it for the user that really runs them.
public enum PretendedRoot {
  /// How a program has ended.
  public enum Outcome: Sendable, Hashable {
    /// By itself.
    case exited(Int32)
    /// By a signal.
    case signaled(Int32)
  }

  /// Whether this processor is one whose system calls are known.
  public static var isSupported: Bool { COOPER_TRACE_IS_SUPPORTED == 1 }

  /// Whether somebody's filter answers system calls of this process with which root changes files.
  ///
  /// Programs are traced more slowly then.
  public static var isFiltered: Bool { isSupported && CallProbe.findsOtherFilter }

  /// Runs a program until it has ended, and everything that it has started.
  ///
  /// - Parameters:
  ///   - launch: The program. Its filter is replaced.
  ///   - files: What is pretended of files before, and then after.
  ///   - capable: Where those are that have capabilities before: a write takes them away.
  ///   - seesEveryCall: Whether to look at every system call before any filter does.
  ///   - hasStarted: Is given the number of the program's process group before the program runs.
  /// - Throws: `LaunchRefused`, `TracingRefused`.
  /// - Returns: The end of the program; status 125 when it could not be started, after a message of its own.
  public static func run(
    _ launch: Launch, files: inout PretendedFiles, capable: [FileNumber: String] = [:],
    seesEveryCall: Bool = isFiltered,
    hasStarted: (Int32) -> Void = { _ in }
  ) throws -> Outcome {
    guard isSupported else { throw TracingRefused.processor }
    var launch = launch
    let mapsUser = launch.mapsUser && launch.hasNamespaces
    launch.filter = filter(tracing: !seesEveryCall, mapsUser: mapsUser)
    let first = try launch.start()
    let refusal = trace_seize(first.number)
    guard refusal == 0 else {
      first.abandon()
      throw TracingRefused.kernel(errno: refusal)
    }
    hasStarted(first.number)
    let calls = RootCalls(files, mapsUser: mapsUser)
    for (number, path) in capable { calls.watch.add(path: path, number) }
    let tracer = Tracer(
      calls, first: first.number, hasNamespaces: launch.hasNamespaces, seesEveryCall: seesEveryCall)
    first.letGo()
    let outcome = tracer.run()
    calls.noteWrites()
    files = calls.files
    return outcome
  }

  private static func filter(tracing: Bool, mapsUser: Bool) -> CallFilter {
    let opening = SystemCallNumber.opening
    let flagged = opening.map {
      CallFilter.Flagged(
        $0.number.rawValue, argument: $0.argument, bits: UInt32(OpenFlag.creates | OpenFlag.writes))
    }
    // The root of a user namespace has all of them to read.
    let controls = ProcessControl.allCases.filter { $0 != .readBounding || !mapsUser }
    let selected = CallFilter.Selected(
      SystemCallNumber.prctl.rawValue, argument: 0, values: controls.map(\.rawValue))
    let partly = opening.map(\.number) + [.prctl]
    let traced = SystemCallNumber.allCases.filter { !partly.contains($0) }
    return CallFilter(
      missing: SystemCallNumber.missing, traced: tracing ? traced.map(\.rawValue) : [],
      flagged: tracing ? flagged : [], selected: tracing ? [selected] : [])
  }
}

/// Programs cannot be traced here.
public enum TracingRefused: Error, Hashable, CustomStringConvertible {
  /// Only x86-64 is known.
  case processor
  /// ptrace(2) failed.
  case kernel(errno: Int32)

  /// One line for people.
  public var description: String {
    switch self {
    case .processor: "scripts can only be made to believe that they are root on x86-64"
    case .kernel(let errno):
      "scripts cannot be made to believe that they are root: ptrace is not allowed (\(String(cString: strerror(errno)))); see /proc/sys/kernel/yama/ptrace_scope"
    }
  }
}

/// Finds out whether somebody else's filter answers calls that a tracer is to see.
enum CallProbe {
  private static let badAddress: UInt64 = 0
  private static let badDescriptor = UInt64(UInt32.max)

  /// Nix's sandbox refuses set-id bits and attributes so, containers often devices.
  ///
  /// With arguments that no kernel takes, the kernel itself complains about those.
  static var findsOtherFilter: Bool {
    let probes: [(SystemCallNumber, UInt64, UInt64, UInt64, expected: Int64)] = [
      (.chmod, badAddress, 0o4755, 0, Failure.badAddress),
      (.fchmod, badDescriptor, 0o4755, 0, -9),
      (.fchmodat, UInt64(bitPattern: -100), badAddress, 0o4755, Failure.badAddress),
      (.chown, badAddress, 1, 1, Failure.badAddress),
      (.fchownat, UInt64(bitPattern: -100), badAddress, 1, Failure.badAddress),
      (.mknodat, UInt64(bitPattern: -100), badAddress, 0o020600, Failure.badAddress),
      (.setxattr, badAddress, badAddress, 0, Failure.badAddress),
      (.lsetxattr, badAddress, badAddress, 0, Failure.badAddress),
      (.getxattr, badAddress, badAddress, 0, Failure.badAddress),
      (.listxattr, badAddress, badAddress, 0, Failure.badAddress),
      (.removexattr, badAddress, badAddress, 0, Failure.badAddress),
      (.unlinkat, UInt64(bitPattern: -100), badAddress, 0, Failure.badAddress),
    ]
    return probes.contains { number, a, b, c, expected in
      trace_probe(number.rawValue, a, b, c, 0) != expected
    }
  }
}
