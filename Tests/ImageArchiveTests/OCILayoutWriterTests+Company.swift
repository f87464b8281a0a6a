import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Several writers at one layout.
extension OCILayoutWriterTests {
  /// The two ways: what another one finished with stays, and what he only looked at is missed before he finishes.
  @Test(arguments: [false, true])
  func `a failure does not take away what another writer has finished with`(isFinishedFirst: Bool)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try layout(directory).addAll(try await Self.image(1), name: "old")
    let image = try await Self.image(2)
    let digests = image.layers.map(\.descriptor.digest) + [image.manifest.value.config.digest]
    let finishing = try layout(directory)
    let failing = try layout(directory)
    for layer in image.layers {
      try failing.add(layer.content.suffix(1 << 20), digest: layer.descriptor.digest)
    }
    try failing.add(image.config, digest: image.manifest.value.config.digest)
    for digest in digests { #expect(try finishing.contains(digest)) }
    try finishing.add(image.manifest.bytes, digest: image.manifest.digest)
    let entry = Descriptor(
      mediaType: .ociManifest, digest: image.manifest.digest, byteCount: Int64(image.manifest.bytes.count))
    if isFinishedFirst {
      try finishing.commit(entry, name: "new")
      failing.abandon()
      try await check(directory, name: "new", image)
      for digest in digests { #expect(try finishing.contains(digest)) }
    } else {
      failing.abandon()
      #expect(throws: FileError.self) { try finishing.commit(entry, name: "new") }
      #expect(Self.names(try Self.index(directory)) == ["old"])
    }
  }

  @Test func `two writers at the same layout lose nothing`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try layout(directory).addAll(TestImage.image([]), name: "first")
    let shared = TestImage.layer(pattern(2000))
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<2 {
        group.addTask {
          do {
            try await Thread.run {
              for round in 0..<100 {
                let own = TestImage.layer(pattern(100, seed: UInt64(1000 * writer + round + 7)))
                let image = TestImage.image([shared, own], config: #"{"n":[\#(writer),\#(round)]}"#)
                // Every fourth gives up, in the middle of the other's work.
                let layout = try OCILayoutWriter(at: FilePath(directory.appending("layout")))
                if round % 4 == 3 {
                  for layer in image.layers {
                    try layout.add(layer.content.suffix(5000), digest: layer.descriptor.digest)
                  }
                } else {
                  try layout.addAll(image, name: "\(writer)-\(round)")
                }
              }
            }
          } catch { Issue.record(error) }
        }
      }
    }
    let index = try Self.index(directory)
    let expected =
      (0..<2).flatMap { writer in (0..<100).filter { $0 % 4 != 3 }.map { "\(writer)-\($0)" } } + ["first"]
    #expect(Set(Self.names(index).compactMap { $0 }) == Set(expected))
    #expect(index.manifests.count == expected.count)
    let reader = try layout(directory)
    for entry in index.manifests {
      try #require(try reader.contains(entry.digest))
      let manifest = try Manifest.decode(
        directory.read("layout/blobs/sha256/\(entry.digest.hex)"), contentType: entry.mediaType)
      for blob in manifest.value.layers + [manifest.value.config] {
        #expect(try reader.contains(blob.digest))
      }
    }
  }

  @Test func `two writers of the same new layout both end in it`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (first, second) = (try layout(directory), try layout(directory))
    let images = try await [Self.image(1), Self.image(2)]
    try first.addAll(images[0], name: "a")
    try second.addAll(images[1], name: "b")
    #expect(Self.names(try Self.index(directory)) == ["a", "b"])
    #expect(try directory.names() == ["layout"])
    try await check(directory, name: "a", images[0])
    try await check(directory, name: "b", images[1])
  }

  @Test func `writers at the same time lose no entry, in a layout that exists or not`() async throws {
    let images = (0...3).map { TestImage.image([], config: "{\"n\":\($0)}") }
    for round in 0..<50 {
      let directory = try TemporaryDirectory()
      if round % 2 == 0 { try layout(directory).addAll(images[0], name: "first") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...3 {
          group.addTask {
            try await Thread.run { try layout(directory).addAll(images[number], name: "\(number)") }
          }
        }
        try await group.waitForAll()
      }
      let names = Set(Self.names(try Self.index(directory)))
      #expect(names == Set((round % 2 == 0 ? ["first"] : []) + ["1", "2", "3"]), "round \(round)")
      #expect(try directory.names() == ["layout"])
    }
  }
}
