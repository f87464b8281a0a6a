import Foundation
import Synchronization

/// A server program that runs until it is stopped, or until the test's own process ends in whatever way.
final class ServerProcess: Sendable {
  /// The file with what the server wrote to standard output and standard error.
  let logPath: String
  private let keeper: SpawnedProcess
  /// The end of the pipe whose closing ends the server; -1 when it is closed.
  private let lifeline: Mutex<Int32>

  /// Starts a server and waits until `port` answers.
  static func start(
    _ program: String, package: String, arguments: [String], port: Int, log: String,
    environment: [String: String] = [:]
  ) async throws -> ServerProcess {
    try await start(
      program, package: package, arguments: arguments, log: log, environment: environment,
      isReady: { Port.answers(port) })
  }

  /// Starts a server and waits until it says that it is ready.
  static func start(
    _ program: String, package: String, arguments: [String], log: String,
    environment: [String: String] = [:], isReady: () -> Bool
  ) async throws -> ServerProcess {
    try Program.require(program, package: package)
    let server = try ServerProcess(
      path: Program.find(program), arguments: arguments, log: log, environment: environment)
    for _ in 0..<1000 where server.isRunning {
      if isReady() { return server }
      try await Task.sleep(for: .milliseconds(10))
    }
    server.stop()
    throw TestSupportError.notStarted(server: program, log: server.log)
  }

  private init(path: String, arguments: [String], log: String, environment: [String: String]) throws {
    logPath = log
    let file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw TestSupportError.system("write \(log)", errno) }
    defer { close(file) }
    let pipe = try ClosingPipe()
    defer { close(pipe.reading) }
    // The shell waits for the end of its input, which comes when the test closes the pipe or dies, and then stops the server by
    // its pid. Without it a test that traps would leave its servers behind.
    let keep = """
      exec 3<&0
      "$@" </dev/null 3<&- & server=$!
      ( read -r _ <&3; kill -TERM "$server"; sleep 5; kill -KILL "$server" ) 2>/dev/null & timer=$!
      wait "$server"; kill -KILL "$timer" 2>/dev/null
      """
    do {
      keeper = try SpawnedProcess(
        path: "/bin/sh", arguments: ["-c", keep, "sh", path] + arguments,
        environment: Program.inheritedEnvironment.merging(environment) { $1 },
        input: pipe.reading, output: file, errors: file)
    } catch {
      close(pipe.writing)
      throw error
    }
    lifeline = Mutex(pipe.writing)
  }

  deinit { stop() }

  /// Everything the server has written so far.
  var log: String {
    (try? Data(contentsOf: URL(fileURLWithPath: logPath))).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private var isRunning: Bool { kill(keeper.pid, 0) == 0 && !hasEnded }

  private var hasEnded: Bool {
    var information = siginfo_t()
    let found = waitid(P_PID, id_t(keeper.pid), &information, WEXITED | WNOHANG | WNOWAIT)
    return found != 0 || information.si_signo != 0
  }

  /// Stops the server and waits for its end.
  ///
  /// A second call does nothing.
  func stop() {
    let end = lifeline.withLock { end in
      defer { end = -1 }
      return end
    }
    guard end >= 0 else { return }
    close(end)
    _ = keeper.wait()
  }
}
