import ArchiveIO
import Foundation
import Hashing
import ImageArchive
@testable import ImageBuild
import OCIModel
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

/// Tars and directories that become layers.
@Suite struct NewLayerTests {
  private static func layer(_ path: String, in directory: TemporaryDirectory) throws -> NewLayer {
    let scratch = BlobCache.nameless(in: FilePath(directory.path))
    let input = try LayerInput(
      FilePath(path), owner: TarOwner(), modificationTime: 1, scratch: scratch)
    return try NewLayer(input, scratch: scratch)
  }

  private static func bytes(_ layer: Layer) throws -> [UInt8] {
    let source = try layer.content.open()
    var bytes = [UInt8](repeating: 0, count: Int(layer.descriptor.byteCount) + 1)
    let count = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
    return Array(bytes.prefix(count))
  }

  private static let tar = LayerBytes.tar([
    ("a", Array("text".utf8)), ("b", [UInt8](repeating: 7, count: 99_999)),
  ])

  @Test(arguments: ["plain", "gzip", "zstd", "bzip2", "xz"])
  func `a tar in any compression becomes a layer with the same diff ID`(compression: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let stored =
      switch compression {
      case "gzip": try await LayerBytes.gzip(Self.tar)
      case "zstd": try await LayerBytes.zstd(Self.tar)
      case "bzip2": try await LayerBytes.bzip2(Self.tar)
      case "xz": try await LayerBytes.xz(Self.tar)
      default: Self.tar
      }
    let new = try Self.layer(directory.write(stored, to: "layer"), in: directory)
    #expect(new.diffID == Digest(of: Self.tar))
    let layer = try #require(new.layer(in: .oci))
    let bytes = try Self.bytes(layer)
    #expect(Digest(of: bytes) == layer.descriptor.digest && Int64(bytes.count) == layer.descriptor.byteCount)
    #expect(layer.descriptor.mediaType == (compression == "zstd" ? .ociLayerZstd : .ociLayerGzip))
    // What manifests have a type for stays as it is.
    #expect((bytes == stored) == ["gzip", "zstd"].contains(compression))
    #expect((new.layer(in: .docker) == nil) == (compression == "zstd"))
    if compression != "zstd" {
      #expect(try await Program.check("gzip", ["-dc"], input: bytes).output == Self.tar)
    }
  }

  @Test func `a directory becomes the same layer whenever it was written`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var diffIDs: Set<Digest> = []
    for (name, mode) in [("one", 0o700), ("two", 0o755)] {
      let file = URL(fileURLWithPath: directory.appending("\(name)/etc/file"))
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("text".utf8).write(to: file)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: Double(mode))], ofItemAtPath: file.path)
      try FileManager.default.setAttributes(
        [.posixPermissions: mode], ofItemAtPath: directory.appending(name))
      diffIDs.insert(try Self.layer(directory.appending(name), in: directory).diffID)
    }
    #expect(diffIDs.count == 1)
  }

  @Test(
    arguments: [
      ("text", Array("this is no tar".utf8)), ("empty", []), ("cut", Array(tar.prefix(60_000))),
      ("damaged", Array(tar.prefix(100)) + [1, 2, 3] + Array(tar.dropFirst(103))),
    ] as [(String, [UInt8])])
  func `what is no sound tar is refused`(name: String, content: [UInt8]) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(content, to: name)
    let error = #expect(throws: TransformError.self) { try Self.layer(path, in: directory) }
    #expect("\(try #require(error))".hasPrefix("\(name) cannot be a layer"))
  }

  @Test func `damaged compressed data is refused`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let stored = try await LayerBytes.gzip(Self.tar)
    let path = try directory.write(Array(stored.dropLast(5)), to: "layer.tar.gz")
    #expect(throws: DecompressionError.self) { try Self.layer(path, in: directory) }
  }

  @Test func `a file that changes after it was looked at is noticed`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let stored = try await LayerBytes.gzip(Self.tar)
    let path = try directory.write(stored, to: "layer.tar.gz")
    let layer = try #require(try Self.layer(path, in: directory).layer(in: .oci))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seek(toOffset: 4)
    try handle.write(contentsOf: Data([9]))
    try handle.close()
    #expect(throws: ContentMismatch.self) { try Self.bytes(layer) }
  }

  @Test func `layers are put on top with history, and missing history is filled up`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let new = try Self.layer(directory.write(Self.tar, to: "app.tar"), in: directory)
    let images = try await ImageSet(MemorySource(["a", "b"], more: ["created": "2020-01-01T00:00:00Z"]))
    let append = Append([new], created: "2024-01-01T00:00:00Z", setsCreated: false)
    let config = try await images.applying(append).imageConfig()
    #expect(config.diffIDs == [MemorySource.diffID("a"), MemorySource.diffID("b"), new.diffID])
    #expect(config.history.map(\.createdBy) == [nil, nil, "cooper append app.tar"])
    #expect(config.created == "2020-01-01T00:00:00Z")
  }
}
