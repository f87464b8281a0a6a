import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Synchronization
import SystemPackage
import TestSupport

/// A blob that is there already, given out in pieces.
struct MemoryBlob: BlobContent {
  var bytes: [UInt8]
  var piece = Int.max

  private final class Source: ByteSource {
    var rest: ArraySlice<UInt8>
    let piece: Int

    init(_ blob: MemoryBlob) {
      rest = blob.bytes[...]
      piece = blob.piece
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      let next = rest.prefix(min(piece, buffer.count))
      buffer.copyBytes(from: next)
      rest = rest.dropFirst(next.count)
      return next.count
    }
  }

  func open() throws -> any ByteSource { Source(self) }
  func waitUntilComplete() throws {}
  func byteCount() throws -> Int64 { Int64(bytes.count) }
  func suffix(_ count: Int) throws -> [UInt8] { Array(bytes.suffix(count)) }
}

/// Images of given bytes.
enum TestImage {
  /// A layer as it is stored.
  static func layer(_ stored: [UInt8], algorithm: DigestAlgorithm = .sha256, piece: Int = .max) -> Layer {
    let descriptor = Descriptor(
      mediaType: MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip"),
      digest: Digest(of: stored, algorithm: algorithm), byteCount: Int64(stored.count))
    return Layer(descriptor: descriptor, content: MemoryBlob(bytes: stored, piece: piece))
  }

  /// An image of these layers; the config is an ordinary one unless given.
  static func image(_ layers: [Layer], config: String? = nil, diffIDs: [Digest] = []) -> Image {
    let list = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
    let text =
      config
      ?? #"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[\#(list)]}}"#
    let bytes = Array(text.utf8)
    let descriptor = Descriptor(
      mediaType: MediaType(rawValue: "application/vnd.oci.image.config.v1+json"), digest: Digest(of: bytes),
      byteCount: Int64(bytes.count))
    let manifest = Manifest(kind: .oci, config: descriptor, layers: layers.map(\.descriptor))
    return Image(manifest: manifest.encoded(), config: bytes, layers: layers)
  }
}

/// One archive, written to a file, to a pipe and to nowhere.
struct Written: Sendable {
  var file: [UInt8]
  var pipe: [UInt8]
  var summaries: [DockerArchiveWriter.Summary]

  /// What is not the same in all three, bytes, length, digest and layers; nothing when all is well.
  var differences: [String] {
    var found: [String] = []
    if file != pipe {
      let place = zip(file, pipe).enumerated().first { $1.0 != $1.1 }?.offset
      found.append(
        "file (\(file.count)) and pipe (\(pipe.count)) from \(place ?? min(file.count, pipe.count)) on")
    }
    for (name, summary) in zip(["file", "pipe", "nowhere"], summaries) {
      if summary.byteCount != Int64(file.count) { found.append("\(name): \(summary.byteCount) bytes") }
      if summary.digest != Digest(of: file) { found.append("\(name): another digest") }
      if summary.diffIDs != summaries[0].diffIDs { found.append("\(name): \(summary.diffIDs)") }
    }
    return found
  }
}

extension DockerArchiveWriter {
  init(_ image: Image, _ references: String..., era: DockerArchiveEra = .third) throws {
    try self.init(image, references: references.map { try Reference(parsing: $0) }, era: era)
  }

  /// Writes to a file in `directory` and gives its bytes.
  func fileBytes(in directory: TemporaryDirectory, computingDigest: Bool = true) throws -> (Summary, [UInt8])
  {
    let new = try NewFile(at: FilePath(directory.appending("archive.tar")))
    let summary = try write(to: .file(new.file), computingDigest: computingDigest)
    try new.commit()
    return (summary, try directory.read("archive.tar"))
  }

  func writeEverywhere() async throws -> Written {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (inFile, file) = try await Thread.run { try fileBytes(in: directory) }
    let (piped, pipe) = try await collectingPipe { try write(to: .pipe($0), computingDigest: true) }
    let nowhere = try await Thread.run { try write(to: .nowhere) }
    return Written(file: file, pipe: pipe, summaries: [inFile, piped, nowhere])
  }
}

/// What `body` writes into a pipe, collected.
func collectingPipe<Value: Sendable>(
  _ body: @escaping @Sendable (FileDescriptor) throws -> Value
) async throws -> (Value, [UInt8]) {
  let (reading, writing) = try FileDescriptor.pipe()
  let bytes = Task {
    try await Thread.run {
      defer { try? reading.close() }
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = try buffer.withUnsafeMutableBytes({ try reading.read(into: $0) }), count > 0 {
        all += buffer[..<count]
      }
      return all
    }
  }
  let value = try await Thread.run {
    defer { try? writing.close() }
    return try body(writing)
  }
  return (value, try await bytes.value)
}

/// The members of a tar as python lists them: `name type mode size link`, and the contents of files.
func tarMembers(_ archive: [UInt8]) async throws -> [String] {
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  let path = try directory.write(archive, to: "archive.tar")
  let script = """
    import tarfile, sys, hashlib
    t = tarfile.open(sys.argv[1], "r:")
    for m in t:
      data = t.extractfile(m).read() if m.isreg() else b""
      print(m.name, m.type.decode(), oct(m.mode)[2:], m.size, m.linkname or "-", hashlib.sha256(data).hexdigest())
    """
  let listing = try await Program.check("/usr/bin/python3", ["-c", script, path]).text
  return listing.split(separator: "\n").map(String.init)
}

extension Digest {
  /// The digest of one file's line in `tarMembers`.
  static func hex(of text: String) -> String { Digest(of: Array(text.utf8)).hex }
}
