import HTTPTransport
import Hashing
import OCIModel
import Registry
import Synchronization

/// A clock that moves only by sleeping.
final class VirtualClock: Sendable {
  private let state = Mutex((uptime: Duration.zero, sleeps: [Duration]()))

  var sleeps: [Duration] { state.withLock { $0.sleeps } }

  func advance(_ duration: Duration) { state.withLock { $0.uptime += duration } }

  /// Unix time begins at 2026-11-24 12:00 UTC.
  var clock: RegistryClock {
    RegistryClock(
      uptime: { self.state.withLock { $0.uptime } },
      unixTime: { 1_795_521_600 + self.state.withLock { $0.uptime.components.seconds } },
      sleep: { duration in
        try Task.checkCancellation()
        self.state.withLock {
          $0.uptime += duration
          $0.sleeps.append(duration)
        }
      })
  }
}

/// Keeps events.
final class EventLog: Sendable {
  private let state = Mutex<[RegistryEvent]>([])

  var events: [RegistryEvent] { state.withLock { $0 } }
  var lines: [String] { events.map(\.description) }

  func report(_ event: RegistryEvent) { state.withLock { $0.append(event) } }
}

/// A client with a scripted transport, a virtual clock and a log.
struct TestClient {
  let client: RegistryClient
  let transport: ScriptedTransport
  let time = VirtualClock()
  let log = EventLog()

  init(
    _ transport: ScriptedTransport, credentials: Credentials? = nil, attempts: Int = 5,
    security: Endpoint.Security = .httpIfLoopback, endpoints: [Endpoint]? = nil
  ) {
    self.transport = transport
    var configuration = RegistryConfiguration()
    configuration.retry.attempts = attempts
    configuration.retry.clock = time.clock
    configuration.retry.random = { 1 }
    configuration.credentials = { _ in credentials }
    configuration.endpoints = { endpoints ?? [Endpoint($0, security: security)] }
    configuration.userAgent = "cooper-test/1"
    configuration.report = { [log] in log.report($0) }
    client = RegistryClient(transport: transport, configuration: configuration)
  }

  init(
    _ steps: [(String, ScriptedTransport.Reply)], credentials: Credentials? = nil, attempts: Int = 5,
    security: Endpoint.Security = .httpIfLoopback, endpoints: [Endpoint]? = nil
  ) {
    self.init(
      ScriptedTransport(steps), credentials: credentials, attempts: attempts, security: security,
      endpoints: endpoints)
  }
}

/// A receiver in memory that checks like a real one, may begin with bytes of an earlier run, and may pause.
final class TestReceiver: BlobReceiver {
  struct Full: Error {}

  private struct State {
    var bytes: [UInt8]
    var resume: (@Sendable () -> Void)?
    var calls = 0
    var restarts = 0
    var finishes = 0
  }

  private let digest: Digest
  private let pauses: Bool
  private let capacity: Int
  private let state: Mutex<State>

  /// `pauses` refuses every other offer, and takes it again after a moment.
  init(_ digest: Digest, earlier: [UInt8] = [], pauses: Bool = false, capacity: Int = .max) {
    self.digest = digest
    self.pauses = pauses
    self.capacity = capacity
    state = Mutex(State(bytes: earlier))
  }

  var bytes: [UInt8] { state.withLock { $0.bytes } }
  var restarts: Int { state.withLock { $0.restarts } }
  var finishes: Int { state.withLock { $0.finishes } }
  var receivedByteCount: Int64 { state.withLock { Int64($0.bytes.count) } }

  func receive(_ bytes: RawSpan) throws -> Bool {
    let resume: (@Sendable () -> Void)? = try state.withLock { state in
      state.calls += 1
      if pauses, state.calls % 2 == 1 { return state.resume }
      guard state.bytes.count + bytes.byteCount <= capacity else { throw Full() }
      bytes.withUnsafeBytes { state.bytes.append(contentsOf: $0) }
      return nil
    }
    guard let resume else { return true }
    Task { resume() }
    return false
  }

  func setResumption(_ resume: @escaping @Sendable () -> Void) { state.withLock { $0.resume = resume } }

  func restart() {
    state.withLock {
      $0.bytes = []
      $0.restarts += 1
    }
  }

  func finish() throws {
    let bytes = state.withLock { state in
      state.finishes += 1
      return state.bytes
    }
    let found = Digest(of: bytes, algorithm: digest.algorithm)
    guard found == digest else {
      throw ContentMismatch(
        subject: "layer", expected: digest, found: found, expectedByteCount: nil,
        foundByteCount: Int64(bytes.count))
    }
  }
}

/// The text of a thrown error that is expected to be a `RegistryError`.
func registryError(_ work: () async throws -> Void) async -> RegistryError? {
  do {
    try await work()
    return nil
  } catch {
    return error as? RegistryError
  }
}
