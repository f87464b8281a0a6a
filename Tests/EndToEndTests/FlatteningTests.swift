import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `export`, `flatten` and `merge`: the files of an image as Docker sees them (cases 44 to 47 of nix-dockertools.md, section 17.1).
@Suite(.serialized, WithDockerDaemon()) struct FlatteningTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let testdata = "oci:" + root + "/testdata/image:1.35"
  private let place: Workplace
  private let name = "localhost/cooper/flattening"

  init() throws { place = try Workplace() }

  @discardableResult
  private func cooper(_ arguments: [String]) async throws -> Program.Result {
    let result = try await place.cooper(arguments)
    try #require(result.status == 0, "\(result.errors)")
    return result
  }

  private func listing(_ tar: [UInt8]) async throws -> [Substring] {
    try await Program.check("python3", [Self.root + "/testdata/list-tar.py"], input: tar).text
      .split(separator: "\n")
  }

  /// The files of an image as Docker has them.
  private func files(of image: String) async throws -> [Substring] {
    let container = try await Engines.docker.docker(["create", image, "/none"]).text
    let tar = try await Engines.docker.docker(["export", container])
    try await Engines.docker.docker(["rm", container])
    return try await listing(tar.output)
  }

  @Test(arguments: [1, 20, 118])
  func `export and flatten have the files that Docker has`(layerCount: Int) async throws {
    defer { place.remove() }
    let seed = UInt64.random(in: 0..<1_000_000)
    let layers = place.directory.appending("layers")
    try FileManager.default.createDirectory(atPath: layers, withIntermediateDirectories: false)
    try await Program.check(
      "python3", [Self.root + "/testdata/random-layers.py", "\(seed)", "\(layerCount)", layers])
    let tars = try FileManager.default.contentsOfDirectory(atPath: layers).sorted().map { "\(layers)/\($0)" }
    let layout = "oci:\(place.directory.appending("layout")):1"
    try await cooper(["append", Self.testdata, "--platform", "linux/amd64"] + tars + ["-o", layout])
    let archive = place.directory.appending("image.tar")
    try await cooper(["copy", layout, "docker-archive:\(archive):\(name):\(layerCount)"])
    try await Engines.docker.docker(["load", "--input", archive])
    let expected = try await files(of: "\(name):\(layerCount)")
    for source in [layout, archive] {
      let exported = try await cooper(["export", source])
      let found = try await listing(exported.output)
      #expect(Set(found).symmetricDifference(expected).sorted() == [], "seed \(seed), \(source)")
    }
    let flat = place.directory.appending("flat.tar")
    try await cooper(["flatten", layout, "-o", "docker-archive:\(flat):\(name):flat"])
    try await Engines.docker.docker(["load", "--input", flat])
    #expect(try await Set(files(of: "\(name):flat")) == Set(expected), "seed \(seed)")
    let history = try await Engines.docker.docker(["history", "-q", "\(name):flat"]).text
    #expect(history.split(separator: "\n").count == 1)
    // To a file and to a pipe the same bytes go.
    let file = place.directory.appending("export.tar")
    try await cooper(["export", archive, "-o", file])
    let piped = try await cooper(["export", archive])
    #expect((try place.directory.read("export.tar") == piped.output) as Bool)
  }

  @Test func `flatten keeps every platform of an index`() async throws {
    defer { place.remove() }
    let flat = "oci:\(place.directory.appending("layout")):flat"
    try await cooper(["flatten", Self.testdata, "-o", flat])
    #expect(try await place.cooper(["verify", flat]).status == 0)
    for architecture in ["amd64", "arm64"] {
      let facts = try await cooper(["inspect", "--json", flat, "--arch", architecture])
      #expect(try JSONValue(parsing: facts.output)["layers"]?.array?.count == 1)
      let expected = try await cooper(["export", Self.testdata, "--arch", architecture])
      let found = try await cooper(["export", flat, "--arch", architecture])
      #expect((found.output == expected.output) as Bool)
    }
  }

  @Test func `docker loads all images of a merged archive, which has each layer once`() async throws {
    defer { place.remove() }
    let layersOfNobody = place.directory.appending("tree")
    try await Program.check("sh", ["-c", "mkdir \"$1\"; echo x >\"$1/file\"", "sh", layersOfNobody])
    let one = place.directory.appending("one.tar")
    let two = place.directory.appending("two.tar.gz")
    try await cooper(["copy", Self.testdata, "docker-archive:\(one):\(name):one", "--arch", "amd64"])
    try Data("two\n".utf8).write(to: URL(fileURLWithPath: place.directory.appending("text")))
    let spec: JSONValue = [
      "name": .string(name), "tag": "two", "fromImage": .string(one),
      "extraCommands": "echo two > text", "config": ["Cmd": ["/bin/busybox", "cat", "/text"]],
    ]
    let path = try place.directory.write(String(decoding: spec.serialized(), as: UTF8.self), to: "spec.json")
    try await cooper(["build", "image", path, "-o", two, "--quiet"])
    // Without a tag, with an owner, and compressed in another way.
    let owned: JSONValue = [
      "name": "localhost/cooper/owned", "fromImage": .string(one), "copyToRoot": .string(layersOfNobody),
      "uid": 1000, "gid": 70000, "compressor": "zstd",
    ]
    let ownedPath = try place.directory.write(
      String(decoding: owned.serialized(), as: UTF8.self), to: "owned.json")
    let four = place.directory.appending("four.tar.zst")
    try await cooper(["build", "image", ownedPath, "-o", four, "--quiet"])
    let tag = try JSONValue(parsing: await cooper(["build", "image", ownedPath, "--print"]).output)[
      "imageTag"]?
      .string
    let merged = place.directory.appending("merged.tar")
    try await cooper([
      "merge", one, two, four, "\(name):three=\(Self.testdata)", "--arch", "amd64", "-o", merged,
    ])
    let loaded = try await Engines.docker.docker(["load", "--input", merged]).text
    for tag in ["one", "two", "three"] { #expect(loaded.contains("\(name):\(tag)"), "\(loaded)") }
    let run = ["run", "--rm", "--network", "none"]
    #expect(try await Engines.docker.docker(run + ["\(name):two"]).text == "two")
    #expect(
      try await Engines.docker.docker(run + ["\(name):three", "/bin/busybox", "echo", "three"]).text
        == "three")
    let listing = try await Program.check("tar", ["-tf", merged]).text
    #expect(listing.split(separator: "\n").count { $0.hasSuffix("/layer.tar") } == 4)
    let stat = try await Engines.docker.docker(
      run + ["localhost/cooper/owned:\(try #require(tag))", "/bin/busybox", "stat", "-c", "%u:%g", "/file"])
    #expect(stat.text == "1000:70000")
    let twice = try await place.cooper(["merge", one, one, "-o", place.directory.appending("twice.tar")])
    #expect(twice.status != 0)
    #expect(twice.errors.contains("“\(name):one”"), "\(twice.errors)")
    #expect(!place.directory.contains("twice.tar"))
  }
}
