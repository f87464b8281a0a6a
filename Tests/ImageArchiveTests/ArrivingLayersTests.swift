import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Layers that arrive while the archive is being written, and not always as they should.
@Suite struct ArrivingLayersTests {
  private struct Cut: Error {}

  private enum Output: CaseIterable { case file, pipe, nowhere }

  /// A layer that arrives in a spool of its own.
  private static func arriving(_ stored: [UInt8], in directory: TemporaryDirectory) throws -> (
    Layer, SpooledBlob
  ) {
    let layer = TestImage.layer(stored)
    let entry = try BlobCache.nameless(in: FilePath(directory.path))
      .entry(for: layer.descriptor.digest, byteCount: Int64(stored.count))
    let blob = SpooledBlob(descriptor: layer.descriptor, subject: "layer", spool: entry.spool)
    return (Layer(descriptor: layer.descriptor, content: blob), blob)
  }

  private static func send(_ bytes: some Collection<UInt8>, to blob: SpooledBlob) throws {
    let room = Promise<Void>()
    blob.setResumption { room.fulfil(.success(())) }
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(16 * 1024))
      while !(try blob.receive(piece.span.bytes)) { usleep(1000) }
      rest = rest.dropFirst(piece.count)
    }
  }

  /// Sends each blob other bytes first, and then its own.
  private static func send(
    _ stored: [[UInt8]], to blobs: [SpooledBlob], after detour: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) async throws {
    try await Thread.run {
      for (blob, bytes) in zip(blobs, stored) {
        try send(detour(bytes), to: blob)
        // Time for the reader to make its way into the wrong bytes.
        usleep(20_000)
        try blob.restart()
        try send(bytes, to: blob)
        try blob.finish()
      }
    }
  }

  private static func write(_ writer: DockerArchiveWriter, to output: Output) async throws -> Digest? {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    switch output {
    case .file: return try await Thread.run { try writer.fileBytes(in: directory).0.digest }
    case .pipe: return Digest(of: try await collectingPipe { try writer.write(to: .pipe($0)) }.1)
    case .nowhere: return try await Thread.run { try writer.write(to: .nowhere).digest }
    }
  }

  /// Ways for the first attempt at a layer to go wrong, each given the right bytes.
  private static let detours: [@Sendable ([UInt8]) -> [UInt8]] = [
    { _ in [] },
    { _ in [1] },
    { Array($0.prefix(100)) },
    { Array($0.prefix($0.count * 2 / 3)) },
    { $0 },
    { Array($0.prefix($0.count / 2)) + pattern(3000, seed: 99) },
    { _ in pattern(700_000, seed: 98) },
    { _ in [0x1f, 0x8b, 8, 0] + pattern(9000, seed: 97) },
    { _ in [0x42, 0x5a, 0x68, 0x39] + pattern(9000, seed: 96) },
    { _ in [0x28, 0xb5, 0x2f, 0xfd] + pattern(9000, seed: 95) },
  ]

  @Test(arguments: Output.allCases, 0..<10)
  private func `a blob that starts again gives the right archive`(output: Output, detour: Int) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let contents = [pattern(2000, seed: 1), pattern(900_000, seed: 2), pattern(300, seed: 3)]
    for kind in 0..<3 {
      let compress: [([UInt8]) async throws -> [UInt8]] = [
        { $0 }, { try await LayerBytes.gzip($0, level: 1) }, { try await LayerBytes.zstd($0) },
      ]
      var stored: [[UInt8]] = []
      for content in contents { stored.append(try await compress[kind](content)) }
      let diffIDs = contents.map { Digest(of: $0) }
      let still = TestImage.image(stored.map { TestImage.layer($0) }, diffIDs: diffIDs)
      let expected = try await Self.write(DockerArchiveWriter(still, "a:t"), to: .nowhere)

      let arriving = try stored.map { try Self.arriving($0, in: directory) }
      let writer = try DockerArchiveWriter(TestImage.image(arriving.map(\.0), diffIDs: diffIDs), "a:t")
      let writing = Task { try await Self.write(writer, to: output) }
      try await Self.send(stored, to: arriving.map(\.1), after: Self.detours[detour])
      #expect(try await writing.value == expected, "kind \(kind)")
    }
  }

  @Test(arguments: Output.allCases)
  private func `wrong bytes are a mismatch, and a failed blob is the error of the archive`(output: Output)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let stored = [pattern(100_000, seed: 1), pattern(900_000, seed: 2)]
    let arriving = try stored.map { try Self.arriving($0, in: directory) }
    let writer = try DockerArchiveWriter(TestImage.image(arriving.map(\.0)), "a:t")
    let writing = Task { try await Self.write(writer, to: output) }
    try await Thread.run {
      try Self.send(stored[0], to: arriving[0].1)
      try arriving[0].1.finish()
      try Self.send(stored[0], to: arriving[1].1)
      let mismatch = #expect(throws: ContentMismatch.self) { try arriving[1].1.finish() }
      #expect(mismatch?.found == Digest(of: stored[0]))
      #expect(mismatch?.foundByteCount == 100_000)
      arriving[1].1.fail(Cut())
    }
    await #expect(throws: Cut.self) { try await writing.value }
  }

  /// What cannot be decompressed may still turn out to be wrong bytes; only right ones are damaged.
  @Test(arguments: Output.allCases)
  private func `a damaged layer is said to be damaged when it has arrived`(output: Output) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var stored = try await LayerBytes.gzip(pattern(600_000))
    stored[stored.count / 2] ^= 1
    let (layer, blob) = try Self.arriving(stored, in: directory)
    let writer = try DockerArchiveWriter(TestImage.image([layer], diffIDs: [Digest(of: [1])]), "a:t")
    let writing = Task { try await Self.write(writer, to: output) }
    let bytes = stored
    try await Thread.run {
      try Self.send(bytes, to: blob)
      try blob.finish()
    }
    await #expect(throws: DecompressionError.self) { try await writing.value }
  }

  @Test(arguments: 0..<10)
  private func `a layer that starts again gives the right file system`(detour: Int) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let tars = [2000, 900_000, 300].enumerated().map { number, count in
      LayerBytes.tar([("file\(number)", pattern(count, seed: UInt64(number))), ("common", [UInt8(number)])])
    }
    for compress in [{ $0 }, { try await LayerBytes.gzip($0, level: 1) }]
      as [([UInt8]) async throws -> [UInt8]]
    {
      var stored: [[UInt8]] = []
      for tar in tars { stored.append(try await compress(tar)) }
      let diffIDs = tars.map { Digest(of: $0) }
      let stack = LayerStack(hashingContents: true, checkingDiffIDs: detour % 2 == 0)
      let still = TestImage.image(stored.map { TestImage.layer($0) }, diffIDs: diffIDs)
      let expected = FileSystemViewTests.listing(try await stack.view(of: still))
      #expect(expected.count == 4)

      let arriving = try stored.map { try Self.arriving($0, in: directory) }
      let image = TestImage.image(arriving.map(\.0), diffIDs: diffIDs)
      let reading = Task { FileSystemViewTests.listing(try await stack.view(of: image)) }
      try await Self.send(stored, to: arriving.map(\.1), after: Self.detours[detour])
      #expect(try await reading.value == expected)
    }
  }

  /// What is no tar may still turn out to be wrong bytes.
  @Test func `a file system of wrong bytes is a mismatch, and one of right bytes is damaged`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let stored = try await LayerBytes.gzip(LayerBytes.tar([("a", pattern(900_000, seed: 1))]))
    var damaged = stored
    damaged[stored.count / 2] ^= 1
    let stack = LayerStack(hashingContents: false, checkingDiffIDs: false)
    for (expected, sent) in [(stored, damaged), (damaged, damaged)] {
      let (layer, blob) = try Self.arriving(expected, in: directory)
      let reading = Task { try await stack.view(of: TestImage.image([layer])) }
      try await Thread.run { [sent] in
        try Self.send(sent, to: blob)
        do { try blob.finish() } catch { blob.fail(error) }
      }
      if expected == damaged {
        await #expect(throws: DecompressionError.self) { _ = try await reading.value }
      } else {
        await #expect(throws: ContentMismatch.self) { _ = try await reading.value }
      }
    }
  }
}
