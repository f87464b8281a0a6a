@testable import ArchiveIO
import Dispatch
import Hashing
import Synchronization
import TestSupport

/// Sends to a spool as the network does: a refused piece comes again after the spool asked for it.
struct SpoolSender: Sendable {
  struct NeverResumed: Error {}

  let spool: Spool
  let pauses = Shared(0)

  /// A number that copies of a sender have in common.
  final class Shared: Sendable {
    private let number: Mutex<Int>
    init(_ number: Int) { self.number = Mutex(number) }
    var value: Int { number.withLock { $0 } }
    func increment() { number.withLock { $0 += 1 } }
  }

  /// Sends everything, in pieces of the size that `piece` gives.
  func send(_ bytes: [UInt8], piece: () -> Int) throws {
    let room = DispatchSemaphore(value: 0)
    spool.setResumption { room.signal() }
    var rest = bytes[...]
    while !rest.isEmpty {
      let next = Array(rest.prefix(piece()))
      while !(try spool.receive(next.span.bytes)) {
        pauses.increment()
        guard room.wait(timeout: .now() + 60) == .success else { throw NeverResumed() }
      }
      rest = rest.dropFirst(next.count)
    }
  }

  func send(_ bytes: [UInt8], piece: Int) throws { try send(bytes) { piece } }

  /// Sends everything, compares the digest and completes.
  func sendAll(_ bytes: [UInt8], piece: Int) throws -> Digest {
    try send(bytes, piece: piece)
    let digest = try spool.digest()
    spool.complete()
    return digest
  }
}
