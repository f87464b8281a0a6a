import MachineProtocol
import Testing

@Suite struct MachineProtocolTests {
  private let records: [GuestRecord] = [
    .ready, .started, .done, .report([0, 255, 0x2C]), .failed([]), .output(members: 7, byteCount: .max),
    .ended(.init(status: 137, isLate: true, freeByteCount: 0, freeFileCount: 5, killedForMemory: 1)),
  ]

  @Test func `records are read as they were written, however they arrive`() throws {
    let bytes = records.flatMap(\.encoded)
    var found: [GuestRecord] = []
    var arrived: [UInt8] = []
    for byte in bytes {
      arrived.append(byte)
      var rest = arrived[...]
      while let record = try GuestRecord.take(from: &rest) { found.append(record) }
      arrived = Array(rest)
    }
    #expect(found == records)
    #expect(arrived.isEmpty)
  }

  @Test(arguments: [
    "x", "-1:,", "9999999999", "1000000:", "3:abc;", "8:5:wrong,,", "11:5:ready,0:,,", "5:output",
    "9:6:output,,",
  ])
  func `what is no record is refused`(_ text: String) {
    var rest = Array(text.utf8)[...]
    #expect(throws: MalformedMessage.self) { try GuestRecord.take(from: &rest) }
  }

  @Test func `a job is read as it was written`() throws {
    var job = GuestJob(command: [Array("/bin/sh".utf8), [0xFF, 0x0A], []])
    job.environment = [Array("A=b=c\n".utf8)]
    job.binds = [
      .init(.devices, at: Array("/dev".utf8)), .init(.system, at: Array("/sys".utf8)),
      .init(.extra(Array("store".utf8)), at: Array("/nix/store".utf8)), .init(.scratch([]), at: [0x2F]),
    ]
    (job.timeLimit, job.report) = (.max, Array("/r".utf8))
    #expect(try GuestJob(decoding: job.encoded) == job)
    var arriving = job.message[...]
    #expect(try GuestJob.take(from: &arriving) == job)
    #expect(arriving.isEmpty)
    var beginning = job.message.dropLast()
    #expect(try GuestJob.take(from: &beginning) == nil)
  }

  @Test(arguments: [[], [0, 512, .max]]) func `a job of layers is another one than of none`(
    layers: [UInt64]
  ) throws {
    var job = GuestJob(layers: layers)
    job.keepsTimes = true
    #expect(try GuestJob(decoding: job.encoded) == job)
    #expect(job != GuestJob(command: []))
  }

  @Test func `a long report is cut off`() throws {
    var rest = GuestRecord.report([UInt8](repeating: 1, count: GuestRecord.textLimit + 5)).encoded[...]
    #expect(try GuestRecord.take(from: &rest) == .report([UInt8](repeating: 1, count: GuestRecord.textLimit)))
  }
}
