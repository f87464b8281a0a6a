import ArchiveIO
import Foundation
import Glibc
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Image-spec, "Image Layout", and registry-protocol.md, section 15, "OCI layout".
@Suite struct OCILayoutReaderTests {
  static let sample = SampleImage.plain
  static let other = SampleImage(layers: [LayerBytes.tar("other", "o")])

  /// The same layout as a directory and as a tar.
  static func both(
    _ images: [SampleImage], index: String? = nil,
    _ body: (TemporaryDirectory, ImageCollection) async throws -> Void
  ) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout(images, to: "layout", in: directory, index: index)
    try await Program.check(
      "tar", ["-cf", directory.appending("tar"), "-C", directory.appending("layout"), "."])
    for name in ["layout", "tar"] { try await body(directory, try await directory.open(name)) }
  }

  @Test func `the only image of a layout needs no name`() async throws {
    try await Self.both([Self.sample]) { _, collection in
      #expect(collection.format == .ociLayout || collection.format == .ociArchive)
      let image = try await collection.image()
      #expect(image.root.bytes == Self.sample.manifest.bytes)
      #expect(try await image.contents() == [Self.sample.config] + Self.sample.layers)
      #expect(collection.listings == [ImageListing(names: [], digest: Self.sample.manifest.digest)])
    }
  }

  @Test func `one of several is chosen by name, place or digest`() async throws {
    let digest = Self.other.manifest.digest
    try await Self.both([Self.sample, Self.other]) { _, collection in
      for selector in ["1", "@1", "@\(digest)"] {
        #expect(try await collection.image(ImageSelector(parsing: selector)).root.digest == digest)
      }
      #expect(try await collection.image(.name("0")).root.digest == Self.sample.manifest.digest)
      let error = await #expect(throws: ImageArchiveError.self) { try await collection.image() }
      #expect(error?.problem == .severalImages(collection.listings))
      for selector in ["2", "@2", "@\(Digest(of: Self.sample.config))"] {
        let selector = ImageSelector(parsing: selector)
        let error = await #expect(throws: ImageArchiveError.self) { try await collection.image(selector) }
        #expect(error?.problem == .noSuchImage(selector, available: collection.listings))
      }
      let all = try #require(collection.layout).all
      #expect(all.root.mediaType == .ociIndex)
      #expect(try await ImageVerifier(all).run().imageCount == 2)
    }
  }

  @Test func `two images of one name are ambiguous, two names of one image are not`() async throws {
    let ambiguous = SampleImage.index([(Self.sample.manifest, "a"), (Self.other.manifest, "a")])
    try await Self.both([Self.sample, Self.other], index: ambiguous) { _, collection in
      let error = await #expect(throws: ImageArchiveError.self) { try await collection.image(.name("a")) }
      #expect(error?.problem == .ambiguous(.name("a"), available: collection.listings))
    }
    let twice = SampleImage.index([(Self.sample.manifest, "a"), (Self.sample.manifest, "b")])
    try await Self.both([Self.sample], index: twice) { _, collection in
      let image = try await collection.image()
      #expect(image.root.digest == Self.sample.manifest.digest)
    }
  }

  @Test func `names are also compared as references`() async throws {
    let index = SampleImage.index([
      (Self.sample.manifest, "docker.io/library/a:1"), (Self.other.manifest, "b"),
    ])
    try await Self.both([Self.sample, Self.other], index: index) { _, collection in
      let image = try await collection.image(.name("a:1"))
      #expect(image.root.digest == Self.sample.manifest.digest)
    }
  }

  @Test func `an index inside is an image source, and what it holds is found by digest`() async throws {
    let inner = ImageIndex(
      kind: .oci,
      manifests: [Self.sample, Self.other].enumerated().map { number, image in
        var entry = ManifestDocument.manifest(image.manifest).descriptor
        entry.platform = Platform(os: "linux", architecture: number == 0 ? "amd64" : "arm64")
        return entry
      }
    ).encoded()
    let outer = ImageIndex(kind: .oci, manifests: [ManifestDocument.index(inner).descriptor]).encoded()
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout(
      [Self.sample, Self.other], to: "layout", in: directory,
      index: String(decoding: outer.bytes, as: UTF8.self))
    try directory.write(inner.bytes, to: "layout/blobs/sha256/\(inner.digest.hex)")
    let collection = try await directory.open("layout")
    let root = try await collection.image()
    #expect(root.root.bytes == inner.bytes)
    #expect(try await root.document(inner.value.manifests[1]).bytes == Self.other.manifest.bytes)
    #expect(
      try await collection.image(.digest(Self.other.manifest.digest)).root.bytes == Self.other.manifest.bytes)
    // The second image's config says amd64, but its entry arm64.
    let report = try await ImageVerifier(root).run()
    #expect(report.findings.map(\.field) == ["platform"] && report.imageCount == 2)
  }

  @Test(arguments: [
    ("oci-layout", #"{"imageLayoutVersion":"2.0.0"}"#), ("oci-layout", "{}"), ("oci-layout", "1.0.0"),
    ("oci-layout", String(repeating: " ", count: 5000) + #"{"imageLayoutVersion":"1.0.0"}"#),
    ("index.json", "{}"),
    ("index.json", #"{"schemaVersion":2,"manifests":[],"manifests":[]}"#),
    ("index.json", #"{"Manifests":[]}"#),
    ("index.json", #"{"manifests":[],"layers":[]}"#), ("index.json", #"{"manifests":[{"size":1}]}"#),
    ("index.json", ""),
    (
      "index.json",
      #"{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../x","size":1}]}"#
    ),
    (
      "index.json",
      #"{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"md5:00","size":1}]}"#
    ),
  ]) func `a layout that is none is refused`(file: String, text: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([Self.sample], to: "layout", in: directory)
    try directory.write(text, to: "layout/\(file)")
    await #expect(throws: ImageArchiveError.self) { try await directory.open("layout") }
  }

  @Test func `an index that is too long is not read`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([Self.sample], to: "layout", in: directory)
    try directory.write([UInt8](repeating: 0x20, count: (4 << 20) + 1), to: "layout/index.json")
    let error = await #expect(throws: ImageArchiveError.self) { try await directory.open("layout") }
    #expect(error?.problem == .tooLarge("index.json", limit: 4 << 20))
  }

  static let manifestPath = "blobs/sha256/\(SampleImage.plain.manifest.digest.hex)"

  /// What is put in the manifest's place, by a shell in the layout.
  static let places: [(String, String, Bool)] = [
    ("a link to a file inside", "mv $1 blobs/real && ln -s ../real $1", true),
    ("a link over a link", "mv $1 real && ln -s ../real blobs/link && ln -s ../link $1", true),
    (
      "a directory that is a link inside", "mv blobs/sha256 elsewhere && ln -s ../elsewhere blobs/sha256",
      true
    ),
    ("a link outside", "mv $1 ../real && ln -s ../../../real $1", false),
    ("an absolute link", "mv $1 ../real && ln -s $PWD/../real $1", false),
    ("an absolute link to inside", "mv $1 real && ln -s $PWD/real $1", false),
    ("a directory that is a link outside", "mv blobs ../blobs && ln -s ../blobs blobs", false),
    ("a link in a circle", "ln -sf ${1##*/} $1", false),
    ("links without end", "rm -r blobs && ln -s blobs blobs", false),
    ("a pipe", "rm $1 && mkfifo $1", false), ("a device", "rm $1 && ln -s /dev/zero $1", false),
    ("a directory", "rm $1 && mkdir $1", false), ("nothing", "rm $1", false),
    ("a link to nothing", "rm $1 && ln -s nothing $1", false),
    ("a file as directory", "rm -r blobs && touch blobs", false),
    ("other bytes", "echo >> $1", false), ("no bytes", ": > $1", false),
    ("bytes of the same length", "tr a b < $1 > x && mv x $1", false),
    ("a huge file", "truncate -s 1T $1", false),
  ]

  @Test(arguments: places.indices) func `blobs are regular files inside the layout with the right bytes`(
    case index: Int
  ) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([Self.sample], to: "layout", in: directory)
    let (name, script, isFine) = Self.places[index]
    try await Program.check(
      "sh", ["-ec", script, "sh", Self.manifestPath], workingDirectory: directory.appending("layout"))
    let collection = try await directory.open("layout")
    if isFine {
      let image = try await collection.image()
      #expect(try await image.contents() == [Self.sample.config] + Self.sample.layers, "\(name)")
    } else {
      let error = await #expect(throws: (any Error).self, "\(name)") { try await collection.image() }
      #expect(error is ImageArchiveError || error is ContentMismatch || error is FileError, "\(name)")
    }
  }

  @Test func `links that lead out are followed when that is wanted`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([Self.sample], to: "layout", in: directory)
    let script = "mv blobs ../blobs && ln -s $PWD/../blobs blobs"
    try await Program.check("sh", ["-ec", script], workingDirectory: directory.appending("layout"))
    let path = FilePath(directory.appending("layout"))
    let layout = try OCILayoutReader(directory: path, followsLinksOut: true)
    #expect(try await layout.image().contents() == [Self.sample.config] + Self.sample.layers)
    #expect(throws: ImageArchiveError(path.string, .notAFile(Self.manifestPath))) {
      try OCILayoutReader(directory: path).image()
    }
  }

  @Test(arguments: ["oci-layout", "index.json"]) func `the two small files are no pipes or links outside`(
    file: String
  ) async throws {
    for script in ["rm $1 && mkfifo $1", "mv $1 ../x && ln -s ../x $1"] {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      try SampleImage.writeLayout([Self.sample], to: "layout", in: directory)
      try await Program.check(
        "sh", ["-ec", script, "sh", file], workingDirectory: directory.appending("layout"))
      await #expect(throws: ImageArchiveError(directory.appending("layout"), .notAFile(file))) {
        try await directory.open("layout")
      }
    }
  }

  @Test func `a blob's name is not believed`() async throws {
    try await Self.both([Self.sample]) { directory, collection in
      let image = try await collection.image()
      let layer = try image.manifest.layers[1]
      var lying = layer
      lying.byteCount -= 1
      await #expect(throws: ContentMismatch.self) { try await image.bytes(lying) }
      lying.byteCount = -1
      #expect(try await image.bytes(lying) == Self.sample.layers[1])
      lying.byteCount = 1 << 50
      await #expect(throws: ContentMismatch.self) { try await image.bytes(lying) }
      guard collection.format == .ociLayout else { return }
      var bytes = Self.sample.layers[1]
      bytes[5] ^= 1
      try directory.write(bytes, to: "layout/blobs/sha256/\(layer.digest.hex)")
      await #expect(throws: ContentMismatch.self) { try await image.bytes(layer) }
    }
  }

  @Test func `what umoci and skopeo write is read`() async throws {
    try Program.require("umoci", package: "umoci")
    try Program.require("skopeo", package: "skopeo")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let layout = directory.appending("layout")
    try await Program.check("umoci", ["init", "--layout", layout])
    try await Program.check("umoci", ["new", "--image", "\(layout):first"])
    try directory.write("x", to: "rootfs/file")
    try await Program.check(
      "umoci",
      [
        "insert", "--rootless", "--image", "\(layout):first", "--tag", "second",
        directory.appending("rootfs"), "/",
      ])
    let collection = try await directory.open("layout")
    #expect(Set(collection.listings.flatMap(\.names)) == ["first", "second"])
    let image = try await collection.image(.name("second"))
    #expect(try image.manifest.layers.count == 1)
    #expect(try await ImageVerifier(image).run().findings == [])
    let archive = directory.appending("archive")
    try await Program.check(
      "skopeo", ["--insecure-policy", "copy", "oci:\(layout):second", "oci-archive:\(archive):third"])
    let copied = try await directory.open("archive")
    #expect(copied.format == .ociArchive)
    #expect(try await copied.image(.name("third")).root.digest == image.root.digest)
  }

  @Test func `what is neither is said to be neither`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try directory.write("hello", to: "text")
    try directory.write(LayerBytes.tar("a", "b"), to: "tar")
    try directory.write("x", to: "directory/file")
    try directory.write("", to: "empty")
    for name in ["text", "tar", "empty"] {
      let error = await #expect(throws: ImageArchiveError.self) { try await directory.open(name) }
      guard case .unknownFormat = error?.problem else {
        Issue.record("\(name): \(String(describing: error))"); continue
      }
    }
    let error = await #expect(throws: ImageArchiveError.self) { try await directory.open("directory") }
    #expect(error?.problem == .unknownFormat("there is no oci-layout in it"))
    await #expect(throws: FileError.self) { try await directory.open("missing") }
    await #expect(throws: ImageArchiveError.self) {
      try await directory.open("directory", as: .dockerArchive)
    }
    await #expect(throws: ImageArchiveError.self) { try await directory.open("tar", as: .ociLayout) }
  }
}
