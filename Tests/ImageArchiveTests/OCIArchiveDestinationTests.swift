import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

@Suite struct OCIArchiveDestinationTests {
  private static func image(with more: [Layer] = []) async throws -> Image {
    let layer = TestImage.layer(try await LayerBytes.gzip(LayerBytes.tar("f", "text")), piece: 100)
    let plain = TestImage.layer(LayerBytes.tar("g", "other"))
    return TestImage.image([layer, plain, layer] + more)
  }

  private static func write(_ image: Image, name: String?, to output: ArchiveOutput) async throws {
    let destination = OCIArchiveDestination(output, name: name)
    for layer in image.layers {
      try await destination.put(layer.descriptor, content: layer.content, subject: "layer")
    }
    try await destination.put(
      image.manifest.value.config, content: BytesContent(image.config), subject: "config")
    try await destination.put(.manifest(image.manifest))
    try await destination.commit(.manifest(image.manifest))
  }

  private static func bytes(_ image: Image, name: String?) async throws -> [UInt8] {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let new = try NewFile(at: FilePath(directory.appending("a.tar")))
    try await write(image, name: name, to: .file(new.file))
    try new.commit()
    return try directory.read("a.tar")
  }

  @Test(arguments: ["n", nil])
  func `a file has the members of a layout, and a pipe the same bytes`(name: String?) async throws {
    let long = TestImage.layer(pattern(700), algorithm: .sha512)
    let image = try await Self.image(with: [long])
    let file = try await Self.bytes(image, name: name)
    let piped = try await collectingPipe { writing in
      let done = Promise<Void>()
      Task {
        do {
          try await Self.write(image, name: name, to: .pipe(writing))
          done.fulfil(.success(()))
        } catch { done.fulfil(.failure(error)) }
      }
      try done.value()
    }
    #expect(piped.1 == file)
    let members = try await tarMembers(file)
    let marker = #"{"imageLayoutVersion":"1.0.0"}"#
    #expect(members[0] == "oci-layout 0 444 30 - \(Digest.hex(of: marker))")
    #expect(members[1].hasPrefix("index.json 0 444 "))
    let digests =
      [image.manifest.digest, image.manifest.value.config.digest]
      + [0, 1].map { image.layers[$0].descriptor.digest }
    #expect(members.count == 7)
    for (member, digest) in zip(members[2...], digests) {
      #expect(member.hasPrefix("blobs/sha256/\(digest.hex) 0 444 "))
      #expect(member.hasSuffix(" - \(digest.hex)"))
    }
    #expect(
      members[6] == "blobs/sha512/\(long.descriptor.digest.hex) 0 444 700 - \(Digest(of: pattern(700)).hex)")
  }

  @Test(arguments: ["n", nil])
  func `skopeo copies it`(name: String?) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let image = try await Self.image()
    let path = try directory.write(try await Self.bytes(image, name: name), to: "archive.tar")
    let place = "oci-archive:\(path)" + (name.map { ":\($0)" } ?? "")
    let inspected = try await Program.check(
      "skopeo", ["--tmpdir", directory.path, "inspect", place, "--format", "{{.Digest}}"])
    #expect(inspected.text == image.manifest.digest.description)
    try await Program.check(
      "skopeo",
      ["--insecure-policy", "--tmpdir", directory.path, "copy", place, "dir:\(directory.appending("copy"))"])
    #expect(directory.contains("copy/\(image.layers[1].descriptor.digest.hex)"))
  }

  @Test(arguments: [0, 1, 699, 701, -1] as [Int64])
  func `a blob of another size than the manifest says is refused`(size: Int64) async throws {
    let destination = OCIArchiveDestination(.nowhere, name: "n")
    var descriptor = TestImage.layer(pattern(700)).descriptor
    descriptor.byteCount = size
    await #expect(throws: OCILayoutError.wrongSize(subject: "layer 2", expected: size, found: 700)) {
      try await destination.put(descriptor, content: BytesContent(pattern(700)), subject: "layer 2")
    }
  }
}
