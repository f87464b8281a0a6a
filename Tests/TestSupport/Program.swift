import Foundation

/// Other programs, run to their end.
public enum Program {
  /// What a program left behind.
  public struct Result: Sendable {
    /// The exit status, or 128 and the number of the signal that ended it.
    public let status: Int32
    /// Standard output.
    public let output: [UInt8]
    /// Standard error, as text.
    public let errors: String

    /// Standard output as text, without white space around it.
    public var text: String {
      String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  /// Runs a program and collects its output.
  ///
  /// - Parameters:
  ///   - name: a path, or a name that is looked up in `PATH` (and in `/usr/sbin`, where Debian has servers).
  ///   - environment: added to the test's own, from which settings of proxies, caches and login files are removed.
  ///   - input: what the program reads from standard input.
  ///   - timeout: after this time the program and what it started are killed, and the call throws.
  /// - Returns: any exit status; see `check` for a call that wants 0.
  public static func run(
    _ name: String, _ arguments: [String] = [], environment: [String: String] = [:], input: [UInt8] = [],
    workingDirectory: String? = nil, timeout: Duration = .seconds(600)
  ) async throws -> Result {
    let program = try find(name)
    let (path, arguments) =
      workingDirectory.map { ("/usr/bin/env", ["--chdir", $0, program] + arguments) } ?? (program, arguments)
    let variables = inheritedEnvironment.merging(environment) { $1 }
    // The waiting is done on a thread of its own: the pool of Swift's tasks has only as many threads as cores.
    return try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Swift.Result {
            try runBlocking(path, arguments, variables, input, timeout)
          })
      }
    }
  }

  /// Runs a program that must end with status 0.
  @discardableResult
  public static func check(
    _ name: String, _ arguments: [String] = [], environment: [String: String] = [:], input: [UInt8] = [],
    workingDirectory: String? = nil, timeout: Duration = .seconds(600)
  ) async throws -> Result {
    let result = try await run(
      name, arguments, environment: environment, input: input, workingDirectory: workingDirectory,
      timeout: timeout)
    guard result.status == 0 else {
      throw TestSupportError.failed(
        command: ([name] + arguments).joined(separator: " "), status: result.status, errors: result.errors)
    }
    return result
  }

  /// The built `cooper`, which lies beside the test bundle.
  public static var builtTool: String {
    get throws {
      let bundle = CommandLine.arguments[0] as NSString
      let path = "\(bundle.deletingLastPathComponent)/cooper"
      guard access(path, X_OK) == 0 else { throw TestSupportError.toolNotBuilt(path) }
      return path
    }
  }

  /// Runs the built `cooper`.
  ///
  /// `HOME` and `XDG_CACHE_HOME` are the given directory's, so that no login, configuration or cache of the machine has a say.
  public static func cooper(
    _ arguments: [String], home: TemporaryDirectory, environment: [String: String] = [:],
    input: [UInt8] = [], timeout: Duration = .seconds(600)
  ) async throws -> Result {
    let own = ["HOME": home.path, "XDG_CACHE_HOME": home.appending(".cache")]
    return try await run(
      builtTool, arguments, environment: own.merging(environment) { $1 }, input: input, timeout: timeout)
  }

  /// Fails, naming the Debian package, when a program that a test needs is missing.
  ///
  /// Tests never skip for that.
  public static func require(_ program: String, package: String) throws {
    do { _ = try find(program) } catch { throw TestSupportError.missingProgram(program, package: package) }
  }

  /// The path of a program.
  public static func find(_ name: String) throws -> String {
    if name.contains("/") { return name }
    let directories = (inheritedEnvironment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
    for directory in directories + ["/usr/sbin", "/sbin"] where access("\(directory)/\(name)", X_OK) == 0 {
      return "\(directory)/\(name)"
    }
    throw TestSupportError.missingProgram(name, package: name)
  }

  static let inheritedEnvironment = ProcessInfo.processInfo.environment.filter { name, _ in
    !name.lowercased().hasSuffix("_proxy") && !name.hasPrefix("XDG_")
      && name != "DOCKER_CONFIG" && name != "REGISTRY_AUTH_FILE" && name != "SOURCE_DATE_EPOCH"
  }

  private static func runBlocking(
    _ path: String, _ arguments: [String], _ environment: [String: String], _ input: [UInt8],
    _ timeout: Duration
  ) throws -> Result {
    let (standardInput, output, errors) = try (ClosingPipe(), ClosingPipe(), ClosingPipe())
    let spawned = Swift.Result {
      try SpawnedProcess(
        path: path, arguments: arguments, environment: environment,
        input: standardInput.reading, output: output.writing, errors: errors.writing)
    }
    for end in [standardInput.reading, output.writing, errors.writing] { close(end) }
    var exchange = PipeExchange(
      input: input, writing: standardInput.writing, reading: [output.reading, errors.reading])
    defer { exchange.closeAll() }
    let process = try spawned.get()
    let inTime = exchange.run(until: ContinuousClock.now + timeout)
    if !inTime { process.signal(SIGKILL) }
    let status = process.wait()
    guard inTime else {
      let command = ([path] + arguments).joined(separator: " ")
      throw TestSupportError.timedOut(command: command, after: timeout)
    }
    return Result(
      status: status, output: exchange.collected[0],
      errors: String(decoding: exchange.collected[1], as: UTF8.self))
  }
}

/// Feeds one pipe and empties others until the other side has closed them.
private struct PipeExchange {
  private let input: [UInt8]
  private var written = 0
  private var writing: Int32
  private var reading: [Int32]
  private(set) var collected: [[UInt8]]
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  init(input: [UInt8], writing: Int32, reading: [Int32]) {
    signal(SIGPIPE, SIG_IGN)
    self.input = input
    self.writing = writing
    self.reading = reading
    collected = reading.map { _ in [] }
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
  }

  /// False when the time was over first.
  mutating func run(until deadline: ContinuousClock.Instant) -> Bool {
    if input.isEmpty { closeInput() }
    while reading.contains(where: { $0 >= 0 }) {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { return false }
      var entries = reading.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      entries.append(pollfd(fd: writing, events: Int16(POLLOUT), revents: 0))
      let milliseconds = Int32(min(left.components.seconds, 3600)) * 1000 + 1000
      guard poll(&entries, nfds_t(entries.count), milliseconds) >= 0 || errno == EINTR else { return false }
      for index in reading.indices where entries[index].revents != 0 { receive(index) }
      if let last = entries.last, last.revents != 0 { send() }
    }
    return true
  }

  private mutating func receive(_ index: Int) {
    let count = read(reading[index], &buffer, buffer.count)
    if count > 0 {
      collected[index].append(contentsOf: buffer[..<count])
    } else if count == 0 || errno != EINTR {
      close(reading[index])
      reading[index] = -1
    }
  }

  private mutating func send() {
    let count = input[written...].withUnsafeBytes { write(writing, $0.baseAddress, $0.count) }
    if count > 0 { written += count }
    let broken = count < 0 && errno != EAGAIN && errno != EINTR
    if broken || written == input.count { closeInput() }
  }

  private mutating func closeInput() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  mutating func closeAll() {
    closeInput()
    for index in reading.indices where reading[index] >= 0 {
      close(reading[index])
      reading[index] = -1
    }
  }
}
