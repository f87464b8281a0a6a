/// What the guest tells while it works, in this order: `ready`, `started`, `ended`, `report` where there is one, `output` after success, `done`.
public enum GuestRecord: Sendable, Hashable {
  /// The kernel and the guest program work, and wait for the job.
  case ready
  /// The program was started, or the unpacking.
  case started
  /// The program is over, or the unpacking, which has status 1 when it failed.
  case ended(Ending)
  /// The beginning of the file that the job calls its report, or why a layer could not be unpacked.
  case report([UInt8])
  /// The whole tar went out, with so many members and bytes.
  case output(members: UInt64, byteCount: UInt64)
  /// There is nothing more to come.
  case done
  /// The guest could not do the job, for this reason.
  case failed([UInt8])

  /// How a program ended, and what was left of the machine.
  public struct Ending: Sendable, Hashable {
    /// Its exit status, or 128 and the number of the signal that ended it.
    public var status: UInt64
    /// Whether it was killed because its time was over.
    public var isLate: Bool
    /// Bytes that were still free for changes.
    public var freeByteCount: UInt64
    /// Files that could still have been made.
    public var freeFileCount: UInt64
    /// How many processes the kernel killed because there was no memory.
    public var killedForMemory: UInt64

    /// An ending.
    public init(
      status: UInt64, isLate: Bool, freeByteCount: UInt64, freeFileCount: UInt64, killedForMemory: UInt64
    ) {
      self.status = status
      self.isLate = isLate
      self.freeByteCount = freeByteCount
      self.freeFileCount = freeFileCount
      self.killedForMemory = killedForMemory
    }
  }

  /// The longest report or reason in bytes; the guest cuts off what is longer.
  public static let textLimit = 64 << 10
  /// The longest record in bytes, its own length not counted.
  public static let byteLimit = textLimit + 100

  /// The record as bytes.
  public var encoded: [UInt8] {
    var fields: [[UInt8]]
    switch self {
    case .ready: fields = [Array("ready".utf8)]
    case .started: fields = [Array("started".utf8)]
    case .done: fields = [Array("done".utf8)]
    case .report(let text): fields = [Array("report".utf8), Array(text.prefix(Self.textLimit))]
    case .failed(let reason): fields = [Array("failed".utf8), Array(reason.prefix(Self.textLimit))]
    case .output(let members, let byteCount): fields = Self.fields("output", [members, byteCount])
    case .ended(let ending):
      fields = Self.fields(
        "ended",
        [
          ending.status, ending.isLate ? 1 : 0, ending.freeByteCount, ending.freeFileCount,
          ending.killedForMemory,
        ])
    }
    var body: [UInt8] = []
    for field in fields { Netstring.append(field, to: &body) }
    var record: [UInt8] = []
    Netstring.append(body, to: &record)
    return record
  }

  private static func fields(_ name: String, _ numbers: [UInt64]) -> [[UInt8]] {
    [Array(name.utf8)] + numbers.map { Array(String($0).utf8) }
  }

  /// Takes the first record from the beginning of `input`; nil when it is not complete yet.
  ///
  /// - Throws: `MalformedMessage`.
  public static func take(from input: inout ArraySlice<UInt8>) throws(MalformedMessage) -> GuestRecord? {
    guard let body = try Netstring.take(from: &input, limit: byteLimit) else { return nil }
    let fields = try Netstring.all(in: body)
    let numbers = fields.dropFirst().map { UInt64(String(decoding: $0, as: UTF8.self)) }
    func number(_ index: Int) throws(MalformedMessage) -> UInt64 {
      guard let number = numbers[index] else { throw MalformedMessage("a record without its number") }
      return number
    }
    switch (fields.first.map { String(decoding: $0, as: UTF8.self) }, fields.count) {
    case ("ready", 1): return .ready
    case ("started", 1): return .started
    case ("done", 1): return .done
    case ("report", 2): return .report(fields[1])
    case ("failed", 2): return .failed(fields[1])
    case ("output", 3): return .output(members: try number(0), byteCount: try number(1))
    case ("ended", 6):
      return .ended(
        Ending(
          status: try number(0), isLate: try number(1) != 0, freeByteCount: try number(2),
          freeFileCount: try number(3), killedForMemory: try number(4)))
    default: throw MalformedMessage("an unknown record")
    }
  }
}
