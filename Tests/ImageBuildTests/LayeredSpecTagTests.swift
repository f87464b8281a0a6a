import Hashing
import TestSupport
import Testing

@testable import ImageBuild

/// The tag of images whose spec names none (design.md, section 4).
@Suite struct LayeredSpecTagTests {
  private static func tag(_ members: String, inputs: [Digest] = []) throws -> String {
    try LayeredSpecTests.parse("{\"name\": \"a\"\(members.isEmpty ? "" : ", ")\(members)}").defaultTag(
      inputs: inputs)
  }

  @Test(arguments: [
    (#""contents": ["dir"]"#, #""contents": "/elsewhere/dir/""#),
    (#""created": "2024-01-01""#, #""created": "2024-01-01T01:00:00+01:00""#),
    (#""config": {"A": 1, "B": {"d": 1, "c": 2}}"#, #""config": {"B": {"c": 2, "d": 1}, "A": 1}"#),
    (#""labels": {"x": "1"}"#, #""config": {"Labels": {"x": "1"}}"#),
    (#""uid": 0, "layering": "popularity", "contents": [], "config": null, "architecture": "arm64""#, ""),
    (#""permissions": [{"path": "/a", "mode": "0755"}]"#, #""permissions": [{"mode": 493, "path": "a"}]"#),
    (#""fromImage": "a.tar""#, #""fromImage": "docker://b""#),
    (
      #""passthru": {"x": 1}, "compressor": "zstd", "format": "oci-archive", "executor": "tcg""#,
      #""closure": "x", "layerCompression": "gz""#
    ),
  ])
  func `another spelling of the same image has the same tag`(one: String, other: String) throws {
    #expect(try Self.tag(one) == Self.tag(other))
  }

  @Test func `whatever defines the image is in the tag`() throws {
    let variants = [
      "", #""fromImage": "b""#, #""contents": "x""#, #""contents": ["x", "y"]"#,
      #""contents": "/nix/store/x""#,
      #""contents": "helper:binSh""#, #""contents": "helper:binSh=/b""#, #""contents": "/nix/store/y""#,
      #""config": {"Cmd": []}"#, #""architecture": "amd64""#, #""variant": "v8""#, #""created": "@2""#,
      #""mtime": "@2""#,
      #""uid": 1"#, #""gid": 1"#, #""uname": "x""#, #""gname": "x""#, #""maxLayers": 99"#,
      #""extraCommands": "x""#, #""fakeRootCommands": "x""#, #""enableFakechroot": true"#,
      #""includeStorePaths": false"#, #""includeNixDB": true"#, #""layering": "auto""#,
      #""layering": [["/a", "/b"]]"#, #""layering": [["/a"], ["/b"]]"#, #""inherit": "all""#,
      #""permissions": [{"path": "a", "uid": 1}]"#,
      #""permissions": [{"path": "a", "xattrs": {"user.x": ""}}]"#,
      #""annotations": {"a": "b"}"#, #""labels": {"a": "b"}"#, #""created": "now""#,
    ]
    var tags = try variants.map { try Self.tag($0) }
    tags.append(try Self.tag("", inputs: [Digest(of: [1])]))
    tags.append(try Self.tag("", inputs: [Digest(of: [2])]))
    tags.append(try Self.tag("", inputs: [Digest(of: [1]), Digest(of: [2])]))
    tags.append(try Self.tag("", inputs: [Digest(of: [2]), Digest(of: [1])]))
    #expect(Set(tags).count == tags.count)
    let upper = try LayeredSpecTests.parse(#"{"name": "A"}"#).defaultTag(inputs: [])
    #expect(upper == tags[0], "the name is lower-cased")
  }

  @Test func `the tag is what nix-hash says of the text`() async throws {
    let spec = try LayeredSpecTests.parse(#"{"name": "a", "uid": 7, "contents": "x"}"#)
    let text =
      #"{"architecture":"arm64","contents":[""],"created":"1970-01-01T00:00:01+00:00","mtime":"1970-01-01T00:00:01+00:00","name":"a","uid":7}"#
    #expect(String(decoding: spec.normalizedForTag(), as: UTF8.self) == text)
    let digest = Digest(of: [1])
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let file = try directory.write("\(text)\n\(digest)", to: "text")
    let hash = try await Program.check("nix-hash", ["--type", "sha256", "--base32", "--flat", file])
    #expect(spec.defaultTag(inputs: [digest]) == hash.text.prefix(32))
  }
}
