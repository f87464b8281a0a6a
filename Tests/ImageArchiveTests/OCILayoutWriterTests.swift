import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

/// image-spec, "Image Layout"; skopeo reads what was written.
@Suite struct OCILayoutWriterTests {
  private struct Abandoned: Error {}

  static func image(_ number: UInt8, layers: Int = 2) async throws -> Image {
    var made: [Layer] = []
    for index in 0..<layers {
      made.append(TestImage.layer(try await LayerBytes.gzip(LayerBytes.tar("f", "\(number) \(index)"))))
    }
    return TestImage.image(made, config: #"{"architecture":"amd64","os":"linux","n":\#(number)}"#)
  }

  /// Every file and directory below, with the digest of its content.
  static func tree(_ path: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try TemporaryDirectory.names(path) {
      let child = "\(path)/\(name)"
      var status = stat()
      #expect(lstat(child, &status) == 0)
      if status.st_mode & S_IFMT == S_IFDIR {
        found[name] = "directory"
        for (inner, digest) in try tree(child) { found["\(name)/\(inner)"] = digest }
      } else {
        found[name] = try sha256(child)
      }
    }
    return found
  }

  static func sha256(_ path: String) throws -> String {
    let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
    let file = DirectFile(owning: descriptor, path: path, direct: false)
    return Digest(of: try file.readAll(limit: 1 << 24)).hex
  }

  static func index(_ directory: TemporaryDirectory) throws -> ImageIndex {
    try ImageIndex.decode(directory.read("layout/index.json"), contentType: nil).value
  }

  static func names(_ index: ImageIndex) -> [String?] {
    index.manifests.map { $0.annotations["org.opencontainers.image.ref.name"] }
  }

  func layout(_ directory: TemporaryDirectory) throws -> OCILayoutWriter {
    try OCILayoutWriter(at: FilePath(directory.appending("layout")))
  }

  /// skopeo's word, and each blob under its own digest.
  func check(_ directory: TemporaryDirectory, name: String?, _ image: Image) async throws {
    let place = "oci:\(directory.appending("layout"))" + (name.map { ":\($0)" } ?? "")
    let inspected = try await Program.check("skopeo", ["inspect", place, "--format", "{{.Digest}}"])
    #expect(inspected.text == image.manifest.digest.description)
    for (path, digest) in try Self.tree(directory.appending("layout")) where path.hasPrefix("blobs/sha256/") {
      #expect(path == "blobs/sha256/\(digest)")
    }
    let config = try await Program.check("skopeo", ["inspect", "--config", "--raw", place])
    #expect(config.output.starts(with: image.config))
  }

  @Test(arguments: ["n", nil], [false, true])
  func `a new layout appears at once, also in place of an empty directory`(name: String?, exists: Bool)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    if exists { mkdir(directory.appending("layout"), 0o755) }
    let image = try await Self.image(1)
    let writer = try layout(directory)
    #expect(directory.contains("layout/index.json") == false)
    #expect(writer.temporaryDirectory != nil)
    try writer.addAll(image, name: name)
    #expect(try directory.names() == ["layout"])
    #expect(
      try TemporaryDirectory.names(directory.appending("layout")) == ["blobs", "index.json", "oci-layout"])
    #expect(try directory.read("layout/oci-layout") == Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    #expect(try TemporaryDirectory.names(directory.appending("layout/blobs/sha256")).count == 4)
    #expect(Self.names(try Self.index(directory)) == [name])
    try await check(directory, name: name, image)
  }

  @Test func `an existing layout keeps its other entries, and the same name is replaced`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let images = try await [Self.image(1), Self.image(2), Self.image(3)]
    try layout(directory).addAll(images[0], name: "a")
    try layout(directory).addAll(images[1], name: "b")
    try layout(directory).addAll(images[2], name: nil)
    #expect(Self.names(try Self.index(directory)) == ["a", "b", nil])
    try layout(directory).addAll(images[2], name: "a")
    try layout(directory).addAll(images[2], name: nil)
    let index = try Self.index(directory)
    #expect(Self.names(index) == ["b", "a", nil])
    #expect(index.manifests.map(\.digest) == [1, 2, 2].map { images[$0].manifest.digest })
    try await check(directory, name: "a", images[2])
    try await check(directory, name: "b", images[1])
  }

  @Test func `entries of other programs survive with all their members`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let digest = Digest(of: [1])
    let other =
      #"{"mediaType":"application/x.unknown","digest":"\#(digest)","size":5,"annotations":{"z":"1","a":"2"},"platform":{"architecture":"arm64","os":"linux","variant":"v8"},"x-more":[7]}"#
    try directory.write(
      #"{"schemaVersion":2, "manifests":[\#(other)], "annotations":{"k":"v"}, "x-top":{"b":1,"a":2}}"#,
      to: "layout/index.json")
    try directory.write(#"{ "imageLayoutVersion" : "1.0.0" }"#, to: "layout/oci-layout")
    try layout(directory).addAll(try await Self.image(1), name: "n")
    let text = String(decoding: try directory.read("layout/index.json"), as: UTF8.self)
    #expect(text.contains(other))
    #expect(text.contains(#""annotations":{"k":"v"}"#))
    #expect(text.contains(#""x-top":{"b":1,"a":2}"#))
    #expect(try directory.read("layout/oci-layout") == Array(#"{ "imageLayoutVersion" : "1.0.0" }"#.utf8))
  }

  @Test func `a failure leaves nothing of a new layout`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let image = try await Self.image(1)
    do {
      let writer = try layout(directory)
      try writer.add(image.config, digest: image.manifest.value.config.digest)
    }
    #expect(try directory.names() == [])
  }

  @Test func `a failure leaves only what was there of an existing one`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (old, new) = try await (Self.image(1), Self.image(2))
    try layout(directory).addAll(old, name: "a")
    let before = try Self.tree(directory.path)
    let stored = try old.layers[0].content.suffix(1 << 20)
    do {
      let writer = try layout(directory)
      try writer.add(new.config, digest: new.manifest.value.config.digest)
      // One that is there, one that is new, one in a directory of its own.
      try writer.add(stored, digest: Digest(of: stored))
      try writer.add(pattern(100), digest: Digest(of: pattern(100)))
      try writer.add(pattern(100), digest: Digest(of: pattern(100), algorithm: .sha512))
      #expect(try writer.contains(Digest(of: [9], algorithm: .sha384)) == false)
    }
    #expect(try Self.tree(directory.path) == before)
  }

  @Test func `a blob that is there but damaged is replaced, and stays after a failure`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let image = try await Self.image(1)
    try layout(directory).addAll(image, name: "a")
    let layer = image.layers[0].descriptor.digest
    for damage in [Array("damaged".utf8), []] {
      for isCommitted in [false, true] {
        try directory.write(damage, to: "layout/blobs/sha256/\(layer.hex)")
        do {
          let writer = try layout(directory)
          #expect(try writer.contains(layer) == false)
          let stored = try image.layers[0].content.suffix(1 << 20)
          try writer.add(stored, digest: layer)
          #expect(try writer.contains(layer))
          if isCommitted { try writer.addAll(image, name: "b") }
        }
        try await check(directory, name: "a", image)
      }
    }
  }

  @Test(arguments: [-1, 0, 999_999, 1_000_001, 1_000_000] as [Int64])
  func `a blob of another size than its descriptor says is refused`(size: Int64) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let bytes = pattern(1_000_000)
    let writer = try layout(directory)
    let descriptor = Descriptor(mediaType: .ociLayer, digest: Digest(of: bytes), byteCount: size)
    if size == 1_000_000 {
      try writer.add(BytesContent(bytes), as: descriptor, subject: "layer 1")
      #expect(try writer.contains(descriptor.digest))
    } else {
      #expect(throws: OCILayoutError.wrongSize(subject: "layer 1", expected: size, found: 1_000_000)) {
        try writer.add(BytesContent(bytes), as: descriptor, subject: "layer 1")
      }
      #expect(try writer.contains(descriptor.digest) == false)
    }
  }

  @Test(arguments: ["file", "other files", "other version", "broken index", "no index"])
  func `something that is no layout is refused and stays as it is`(kind: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let marker = #"{"imageLayoutVersion":"1.0.0"}"#
    switch kind {
    case "file": try directory.write("x", to: "layout")
    case "other files": try directory.write("x", to: "layout/x")
    case "other version": try directory.write(#"{"imageLayoutVersion":"2.0.0"}"#, to: "layout/oci-layout")
    case "broken index":
      try directory.write(marker, to: "layout/oci-layout")
      try directory.write("{", to: "layout/index.json")
    default: try directory.write(marker, to: "layout/oci-layout")
    }
    let before = try Self.tree(directory.path)
    #expect(throws: (any Error).self) { try layout(directory).addAll(TestImage.image([]), name: "n") }
    #expect(try Self.tree(directory.path) == before)
  }

  @Test func `removing a tree does not follow links`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try directory.write("kept", to: "outside/kept")
    try directory.write("x", to: "tree/a/b")
    #expect(symlink(directory.appending("outside"), directory.appending("tree/a/link")) == 0)
    OCILayoutWriter.removeTree(FilePath(directory.appending("tree")))
    #expect(try directory.names() == ["outside"])
    #expect(directory.contains("outside/kept"))
    #expect(symlink(directory.appending("outside"), directory.appending("link")) == 0)
    OCILayoutWriter.removeTree(FilePath(directory.appending("link")))
    #expect(directory.contains("outside/kept"))
  }
}
