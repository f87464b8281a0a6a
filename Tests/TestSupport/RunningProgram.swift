import Foundation
import Synchronization

/// A program under way, for tests that end it in the middle.
///
/// Write `defer { program.signal(SIGKILL) }` after starting one.
public final class RunningProgram: Sendable {
  private let process: SpawnedProcess
  private let output: FileCapture
  private let errors: FileCapture
  private let status = Mutex<Int32?>(nil)

  /// Starts a program; see `Program.run` for the parameters.
  public init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    (output, errors) = (try FileCapture(), try FileCapture())
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(null) }
    process = try SpawnedProcess(
      path: Program.find(name), arguments: arguments,
      environment: Program.inheritedEnvironment.merging(environment) { $1 },
      input: null, output: output.descriptor, errors: errors.descriptor)
  }

  /// Starts the built `cooper`; see `Program.cooper`.
  public static func cooper(
    _ arguments: [String], home: TemporaryDirectory, environment: [String: String] = [:]
  ) throws -> RunningProgram {
    let own = ["HOME": home.path, "XDG_CACHE_HOME": home.appending(".cache")]
    return try RunningProgram(
      Program.builtTool, arguments, environment: own.merging(environment) { $1 })
  }

  /// Sends a signal to the program and what it started; nothing when it has ended.
  public func signal(_ number: Int32) {
    status.withLock { if $0 == nil { process.signal(number) } }
  }

  /// What it has written to standard error so far.
  public var errorText: String { String(decoding: errors.bytes, as: UTF8.self) }

  /// What it has written to standard output so far.
  public var outputText: String { String(decoding: output.bytes, as: UTF8.self) }

  /// Waits for the end.
  ///
  /// - Throws: `TestSupportError.timedOut` after having killed it.
  public func result(timeout: Duration = .seconds(600)) async throws -> Program.Result {
    let deadline = ContinuousClock.now + timeout
    while !hasEnded() {
      guard ContinuousClock.now < deadline else {
        signal(SIGKILL)
        throw TestSupportError.timedOut(command: "the program", after: timeout)
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    return Program.Result(
      status: status.withLock { $0 ?? -1 }, output: output.bytes, errors: errorText)
  }

  private func hasEnded() -> Bool {
    status.withLock { status in
      if status != nil { return true }
      var information = siginfo_t()
      let found = waitid(P_PID, id_t(process.pid), &information, WEXITED | WNOHANG | WNOWAIT)
      guard found != 0 || information.si_signo != 0 else { return false }
      status = process.wait()
      return true
    }
  }
}

/// A file without a name that a program writes to.
private final class FileCapture: Sendable {
  let descriptor: Int32

  init() throws {
    var template = Array("/tmp/cooper-capture-XXXXXX".utf8CString)
    let made = DescriptorInheritance.lock.withLock { _ in
      let made = mkstemp(&template)
      _ = fcntl(made, F_SETFD, FD_CLOEXEC)
      return made
    }
    guard made >= 0 else { throw TestSupportError.system("mkstemp", errno) }
    descriptor = made
    _ = template.withUnsafeBufferPointer { $0.baseAddress.map { unlink($0) } }
  }

  deinit { close(descriptor) }

  var bytes: [UInt8] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return [] }
    var content = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = pread(descriptor, &content, content.count, 0)
    return Array(content.prefix(max(0, count)))
  }
}
