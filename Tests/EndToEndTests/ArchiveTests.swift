import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `copy`, `verify` and `inspect` on archives and layouts, with skopeo reading what was written and writing what is read.
@Suite struct ArchiveTests {
  /// The image of testdata: an index of two platforms with two layers each.
  private static let testdata: String = {
    let file = #filePath
    return file.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image"
  }()

  private static func check(_ place: Workplace, _ arguments: [String]) async throws -> String {
    let result = try await place.cooper(arguments)
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.text
  }

  private static func digest(_ location: String) async throws -> String? {
    let result = try await Program.check("skopeo", ["inspect", "--raw", location])
    return Digest(of: result.output).description
  }

  @Test func `an index goes through layout and archive with every byte`() async throws {
    try Program.require("skopeo", package: "skopeo")
    let place = try Workplace()
    defer { place.remove() }
    let source = "oci:\(Self.testdata):1.35"
    let (archive, layout) = (place.directory.appending("a.tar"), place.directory.appending("layout"))
    _ = try await Self.check(place, ["copy", source, "oci-archive:\(archive):x", "--all"])
    _ = try await Self.check(place, ["copy", archive, "oci:\(layout):y", "--all"])
    let expected = try await Self.digest(source)
    #expect(try await Self.digest("oci-archive:\(archive):x") == expected)
    #expect(try await Self.digest("oci:\(layout):y") == expected)
    for location in [archive, layout] {
      #expect(try await Self.check(place, ["verify", location]).contains("2 images, 4 layers"))
    }
  }

  @Test(arguments: ["", "gzip", "zstd", "xz", "bzip2"])
  func `a docker-archive is read, compressed or not, from a file and from a pipe`(program: String)
    async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let archive = place.directory.appending("a.tar")
    _ = try await Self.check(
      place, ["copy", "oci:\(Self.testdata):1.35", "docker-archive:\(archive):a/b:c", "--arch", "amd64"])
    var bytes = try place.directory.read("a.tar")
    if !program.isEmpty {
      bytes = try await Program.check(program, ["-c", archive]).output
      _ = try place.directory.write(bytes, to: "a.tar")
    }
    #expect(try await Self.check(place, ["verify", archive]).contains("1 image, 2 layers"))
    let layout = place.directory.appending("layout")
    let result = try await place.cooper(["copy", "-", "oci:\(layout):x"], input: bytes)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try await Self.check(place, ["verify", layout]).contains("1 image, 2 layers"))
    let config = try await Self.check(place, ["inspect", "docker-archive:\(archive):a/b:c", "--json"])
    #expect(try JSONValue(parsing: Array(config.utf8))["platform"]?.string == "linux/amd64")
  }

  @Test func `what skopeo writes is read, and what is written from it skopeo reads`() async throws {
    try Program.require("skopeo", package: "skopeo")
    let place = try Workplace()
    defer { place.remove() }
    let (theirs, ours) = (place.directory.appending("theirs.tar"), place.directory.appending("ours.tar"))
    let options = ["--override-arch", "amd64", "copy", "oci:\(Self.testdata):1.35"]
    _ = try await Program.check(
      "skopeo", options + ["docker-archive:\(theirs):a/b:c"], environment: ["HOME": place.home.path])
    _ = try await Self.check(place, ["copy", theirs, "docker-archive:\(ours):a/b:c"])
    #expect(try place.directory.read("ours.tar") == place.directory.read("theirs.tar"))
  }

  @Test func `verify names what is wrong, and exits with 3`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    _ = try await Self.check(
      place, ["copy", "oci:\(Self.testdata):1.35", "oci:\(layout):x", "--arch", "amd64"])
    let manifest = try await Program.check("skopeo", ["inspect", "--raw", "oci:\(layout):x"])
    let layer = try #require(
      JSONValue(parsing: manifest.output)["layers"]?.array?.last?["digest"]?.string?.dropFirst(
        "sha256:".count))
    var bytes = try place.directory.read("layout/blobs/sha256/\(layer)")
    bytes[bytes.count / 2] ^= 1
    _ = try place.directory.write(bytes, to: "layout/blobs/sha256/\(layer)")
    let result = try await place.cooper(["verify", layout, "--json"])
    #expect(result.status == 3)
    let findings = try JSONValue(parsing: result.output)["findings"]?.array ?? []
    #expect(findings.contains { $0["layer"]?.int == 2 && $0["expected"]?.string == "sha256:\(layer)" })
    // Nothing of it is copied.
    let copy = try await place.cooper(["copy", layout, place.directory.appending("out.tar")])
    #expect(copy.status == 1 || copy.status == 3)
    #expect(!place.directory.contains("out.tar"))
  }

  @Test(arguments: [
    ("docker-archive:a.tar:no:1", Int32(4), "a/b:c"), ("docker-archive:a.tar:@7", 4, "a/b:c"),
    ("missing.tar", 4, "missing.tar"), ("oci:a.tar", 1, "not a directory"),
  ])
  func `what is not there is named, with what is`(location: String, status: Int32, text: String) async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let archive = place.directory.appending("a.tar")
    _ = try await Self.check(
      place, ["copy", "oci:\(Self.testdata):1.35", "docker-archive:\(archive):a/b:c", "--arch", "amd64"])
    let full = location.replacingOccurrences(of: "a.tar", with: archive)
    let result = try await place.cooper(["verify", full])
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.contains(text), "\(result.errors)")
  }
}
