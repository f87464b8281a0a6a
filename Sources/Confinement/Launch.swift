import CNamespaces
import Glibc

/// A program to start, and what it sees of this machine: its own processes, mounts, names and network, perhaps a directory as `/`.
public struct Launch: Sendable {
  /// Something of this machine that is seen inside.
  public struct Bind: Sendable {
    /// Where it is on this machine.
    public var source: String
    /// Where it is seen: a path on this machine, in the root directory.
    public var target: String
    /// Whether nobody can change it there.
    public var isReadOnly: Bool

    /// A bind.
    public init(source: String, target: String, isReadOnly: Bool) {
      (self.source, self.target, self.isReadOnly) = (source, target, isReadOnly)
    }
  }

  /// The directory that is `/`; nil for this machine's own.
  public var root: String?
  /// Where the program starts, as it sees it.
  public var directory = "/"
  /// What is seen inside.
  public var binds: [Bind] = []
  /// The directory for `/proc`, on this machine; nil for none.
  public var processes: String?
  /// When it is not nil, everything else is read-only.
  public var writable: String?
  /// Whether it has namespaces of its own.
  public var hasNamespaces = true
  /// Whether it is root of a user namespace with this process's user alone.
  public var mapsUser = false
  /// Whether real root may change the kernel's settings by way of `/proc`.
  public var controlsKernel = false
  /// Whether it sees this machine's network.
  public var hasNetwork = false
  /// The descriptor that all it prints goes to.
  public var output: Int32 = 2
  /// The program and its arguments.
  public var command: [String]
  /// `NAME=value` each.
  public var environment: [String]
  /// Decides about the program's system calls.
  public var filter: CallFilter?
  private var isProbe = false

  /// A program with nothing of its own yet.
  public init(_ command: [String], environment: [String]) {
    (self.command, self.environment) = (command, environment)
  }

  /// Starts the first process of the program, which waits to be let go.
  ///
  /// It is in a process group of its own, ends with the calling thread, and takes what it has started with it.
  ///
  /// - Throws: `LaunchRefused`.
  public func start() throws(LaunchRefused) -> FirstProcess {
    let strings = Strings()
    var mounts = binds.map {
      launch_bind(
        source: strings.add($0.source), target: strings.add($0.target), is_read_only: $0.isReadOnly ? 1 : 0)
    }
    var arguments = command.map { Optional(strings.add($0)) } + [nil]
    var variables = environment.map { Optional(strings.add($0)) } + [nil]
    var instructions = filter?.instructions ?? []
    var process: pid_t = 0
    var gate: Int32 = -1
    let result = mounts.withUnsafeMutableBufferPointer { mounts in
      arguments.withUnsafeMutableBufferPointer { arguments in
        variables.withUnsafeMutableBufferPointer { variables in
          instructions.withUnsafeMutableBufferPointer { instructions in
            var program = sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
            return withUnsafePointer(to: &program) { program in
              var plan = launch_plan(
                root: root.map(strings.add), directory: strings.add(directory), binds: mounts.baseAddress,
                bind_count: mounts.count, proc: processes.map(strings.add),
                writable: writable.map(strings.add),
                has_namespaces: hasNamespaces ? 1 : 0, maps_user: mapsUser ? 1 : 0,
                has_network: hasNetwork ? 1 : 0,
                controls_kernel: controlsKernel ? 1 : 0, output: output, arguments: arguments.baseAddress,
                environment: variables.baseAddress, filter: filter == nil ? nil : program,
                is_probe: isProbe ? 1 : 0)
              return launch_start(
                &plan, strings.add("0 \(geteuid()) 1"), strings.add("0 \(getegid()) 1"), &process, &gate)
            }
          }
        }
      }
    }
    guard result == 0 else { throw LaunchRefused(errno: result, hadNamespaces: hasNamespaces) }
    return FirstProcess(number: process, gate: gate)
  }

  /// Whether this process may start something with namespaces and mount something there, perhaps in a user namespace.
  public static func isAllowed(mappingUser: Bool) -> Bool { refusal(mappingUser: mappingUser) == nil }

  /// The value of `errno` with which that is refused; nil where it is allowed.
  public static func refusal(mappingUser: Bool) -> Int32? {
    var launch = Launch(["/"], environment: [])
    (launch.mapsUser, launch.isProbe) = (mappingUser, true)
    do {
      let first = try launch.start()
      first.letGo()
      let code = first.wait()
      return code == 0 ? nil : code
    } catch {
      return error.errno
    }
  }

  /// Texts for C, for as long as this object is there.
  private final class Strings {
    private var all: [UnsafeMutablePointer<CChar>] = []

    func add(_ text: String) -> UnsafeMutablePointer<CChar> {
      guard let copy = strdup(text) else { preconditionFailure("no memory for a short text") }
      all.append(copy)
      return copy
    }

    deinit { all.forEach { free($0) } }
  }
}

/// The parent of a program, which is the first process of its namespace where it has one.
public struct FirstProcess: Sendable {
  /// Its number, and that of its process group.
  public let number: Int32
  private let gate: Int32

  init(number: Int32, gate: Int32) { (self.number, self.gate) = (number, gate) }

  /// Lets it go on.
  public func letGo() {
    var byte: UInt8 = 1
    _ = write(gate, &byte, 1)
    close(gate)
  }

  /// Ends it before it has done anything.
  public func abandon() {
    close(gate)
    _ = launch_wait(number)
  }

  /// Waits for its end, on the thread that started it, and gives the program's status: 128 and the number of the signal that ended it, or 125
  /// after a message when it could not be started.
  public func wait() -> Int32 { launch_wait(number) }
}

/// The kernel did not start a program so.
public struct LaunchRefused: Error, Hashable, CustomStringConvertible {
  /// The system's reason.
  public let errno: Int32
  /// Whether namespaces were asked for.
  public let hadNamespaces: Bool

  /// One line for people.
  public var description: String {
    "the kernel refused \(hadNamespaces ? "namespaces" : "a process"): \(String(cString: strerror(errno)))"
  }
}
