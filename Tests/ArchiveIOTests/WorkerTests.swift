@testable import ArchiveIO
import Glibc
import SystemPackage
import Synchronization
import TestSupport
import Testing

@Suite struct WorkerTests {
  private struct Refusal: Error {}

  @Test func `jobs run one after another in their order`() throws {
    let worker = Worker()
    let seen = Mutex<[Int]>([])
    for number in 0..<1000 { try worker.submit { seen.withLock { $0.append(number) } } }
    try worker.finish()
    #expect(seen.withLock { $0 } == Array(0..<1000))
  }

  private final class Token: Sendable {}

  private final class Watch: @unchecked Sendable {
    // Unchecked: set before the worker may go on.
    weak var token: Token?
  }

  /// A pool of blocks that are let go of late starves the stage before.
  @Test func `what a job holds is let go of when it is done, not when its neighbours are`() throws {
    let worker = Worker()
    let gate = Promise<Void>()
    let watch = Watch()
    let isHeld = Mutex(true)
    // The worker is kept busy, so that the other jobs are waiting together.
    try worker.submit { try gate.value() }
    try { () throws in
      let token = Token()
      watch.token = token
      try worker.submit { [token] in withExtendedLifetime(token) {} }
    }()
    try worker.submit { isHeld.withLock { $0 = watch.token != nil } }
    gate.fulfil(.success(()))
    try worker.finish()
    #expect(isHeld.withLock { $0 } == false)
  }

  @Test func `after a failure nothing runs until a reset`() throws {
    let worker = Worker()
    let count = Atomic(0)
    let gate = Promise<Void>()
    try worker.submit {
      try gate.value()
      throw Refusal()
    }
    try worker.submit { count.add(1, ordering: .relaxed) }
    gate.fulfil(.success(()))
    #expect(throws: Refusal.self) { try worker.finish() }
    #expect(throws: Refusal.self) { try worker.submit {} }
    #expect(throws: Refusal.self) { try worker.finish() }
    #expect(count.load(ordering: .relaxed) == 0)
    worker.reset()
    try worker.submit { count.add(1, ordering: .relaxed) }
    try worker.finish()
    #expect(count.load(ordering: .relaxed) == 1)
  }

  @Test func `a promise keeps its first result`() throws {
    let promise = Promise<Int>()
    promise.fulfil(.success(1))
    promise.fulfil(.success(2))
    #expect(try promise.value() == 1)
  }
}

@Suite struct FilledPartTests {
  @Test(arguments: [false, true])
  func `a slow reader gets all bytes, even where the pipe says to try again`(isNonBlocking: Bool) async throws
  {
    let (reading, writing) = try FileDescriptor.pipe()
    if isNonBlocking { #expect(fcntl(writing.rawValue, F_SETFL, O_NONBLOCK) == 0) }
    let bytes = pattern(1 << 20)
    async let received = Thread.run {
      defer { try? reading.close() }
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 10_000)
      while case let count = try buffer.withUnsafeMutableBytes({ try reading.read(into: $0) }), count > 0 {
        all += buffer[..<count]
        usleep(100)
      }
      return all
    }
    let result = await Result { () async throws in
      try await Thread.run {
        defer { try? writing.close() }
        let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 2))
        let source = ArraySource(bytes)
        try filler.append { try source.read(into: $0) }.write(to: writing)
      }
    }
    #expect(throws: Never.self) { try result.get() }
    #expect(try await received == bytes)
  }

  @Test func `a reader that went away is an error`() throws {
    signal(SIGPIPE, SIG_IGN)
    let (reading, writing) = try FileDescriptor.pipe()
    try reading.close()
    defer { try? writing.close() }
    let part = try BlockFiller(BlockPool(blockSize: 4096, limit: 1)).append { _ in 5 }
    let error = #expect(throws: FileError.self) { try part.write(to: writing) }
    #expect(error?.errno == .brokenPipe)
  }
}

extension Result where Failure == any Error {
  /// The result of an asynchronous call.
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
