import Hashing
import OCIModel
import Synchronization

/// A blob that is given to an upload, and may be slow, or not what was promised.
final class TestBlob: BlobUploadSource {
  struct Broken: Error, Hashable {}

  private struct State {
    var position = 0
    var offsets: [Int64] = []
    var reads = 0
    var resume: (@Sendable () -> Void)?
  }

  let bytes: [UInt8]
  private let given: Int
  private let pauses: Bool
  private let isBroken: Bool
  private let state = Mutex(State())

  /// `giving` ends early, `pauses` has nothing at every other read.
  init(_ bytes: [UInt8], giving count: Int = .max, pauses: Bool = false, isBroken: Bool = false) {
    self.bytes = bytes
    given = min(count, bytes.count)
    self.pauses = pauses
    self.isBroken = isBroken
  }

  /// That many bytes which differ everywhere.
  convenience init(_ byteCount: Int, giving count: Int = .max, pauses: Bool = false, isBroken: Bool = false) {
    var value: UInt64 = 99
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
      for index in 0..<byteCount {
        value = value &* 6_364_136_223_846_793_005 &+ 1
        buffer[index] = UInt8(truncatingIfNeeded: value >> 33)
      }
      initialized = byteCount
    }
    self.init(bytes, giving: count, pauses: pauses, isBroken: isBroken)
  }

  var descriptor: Descriptor {
    Descriptor(mediaType: .ociLayer, digest: Digest(of: bytes), byteCount: Int64(bytes.count))
  }

  /// Where it was begun.
  var offsets: [Int64] { state.withLock { $0.offsets } }

  func begin(at offset: Int64, resume: @escaping @Sendable () -> Void) {
    state.withLock {
      $0.position = Int(offset)
      $0.offsets.append(offset)
      $0.resume = resume
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    if isBroken { throw Broken() }
    return state.withLock { state in
      state.reads += 1
      if pauses, state.reads % 2 == 1 {
        Task { [resume = state.resume] in resume?() }
        return nil
      }
      let count = min(buffer.count, given - state.position)
      guard count > 0 else { return 0 }
      buffer.copyBytes(from: bytes[state.position..<state.position + count])
      state.position += count
      return count
    }
  }
}
