import Hashing
import ImageArchive
import OCIModel
import TestSupport
import Testing

/// docker-archive-bytes.md, "Legacy directories" and "JSON serialisation".
@Suite struct DockerArchiveConfigTests {
  /// The content of the top layer's `json`, and of `layer_id` replaced by `id` again.
  private func topJSON(_ config: String) async throws -> String {
    let image = TestImage.image([TestImage.layer([5])], config: config)
    let written = try await DockerArchiveWriter(image, "a:t").writeEverywhere()
    #expect(written.differences == [])
    let text = String(decoding: written.file, as: UTF8.self)
    // The config itself stands in the archive as it is.
    #expect(text.contains(config))
    let start = try #require(text.firstRange(of: "{\"architecture\":", after: "/json\0"))
    let json = String(text[start.lowerBound...].prefix { $0 != "\0" })
    let id = try #require(json.firstRange(of: "\"id\":\"").map { json[$0.upperBound...].prefix(64) })
    let hashed = replacingID(json, id: String(id))
    #expect(Digest.hex(of: hashed) == id)
    return json.replacing("\"id\":\"\(id)\"", with: "ID")
  }

  /// The object that the id is the hash of: `layer_id` in place of `id`, in its own place of the order.
  private func replacingID(_ json: String, id: String) -> String {
    let without = json.replacing("\"id\":\"\(id)\",", with: "")
    let layerID = "\"layer_id\":\"\(Digest(of: [5]))\","
    guard let os = without.firstRange(of: "\"os\":") else { return without }
    return without.replacingCharacters(before: os.lowerBound, with: layerID)
  }

  private let rest = #""container":null,"container_config":null,"created":null,"docker_version":null,ID"#

  @Test(arguments: [
    (#"{"architecture":"amd64","os":"linux"}"#, #""amd64""#, "null", #""linux""#),
    ("{}", "null", "null", "null"), ("null", "null", "null", "null"),
    (" \n{ }\t\r\n", "null", "null", "null"),
    (#"{"config": { "b" : [ 1 , 2 ] , "a" : " x " } }"#, "null", #"{"b":[1,2],"a":" x "}"#, "null"),
    (#"{"config":"<>&"}"#, "null", #""\u003c\u003e\u0026""#, "null"),
    (#"{"config":{"<k>":1}}"#, "null", #"{"\u003ck\u003e":1}"#, "null"),
    ("{\"config\":\"a\u{2028}b\u{2029}c\u{2027}\"}", "null", "\"a\\u2028b\\u2029c\u{2027}\"", "null"),
    (#"{"config":"\u00e9\/\u003C\ud800\"\\"}"#, "null", #""\u00e9\/\u003C\ud800\"\\""#, "null"),
    (
      #"{"config":[1e3,-0,0.10,123456789012345678901234567890,1E+5]}"#, "null",
      "[1e3,-0,0.10,123456789012345678901234567890,1E+5]", "null"
    ),
    (#"{"config":{"a":1,"a":2}}"#, "null", #"{"a":1,"a":2}"#, "null"),
    (#"{"os":"first","os":"last"}"#, "null", "null", #""last""#),
    (#"{"\u006fs":"escaped"}"#, "null", "null", #""escaped""#),
    (#"{"os":"first","\u006fs":"last"}"#, "null", "null", #""last""#),
    (#"{"OS":"other","Architecture":"x"}"#, "null", "null", "null"),
    ("{\"config\":\"ü€😀\u{7f}\"}", "null", "\"ü€😀\u{7f}\"", "null"),
    (#"{"architecture":[true,false,null],"os":{}}"#, "[true,false,null]", "null", "{}"),
  ])
  func `members are copied with their own text`(
    config: String, architecture: String, inner: String, os: String
  ) async throws {
    #expect(
      try await topJSON(config)
        == #"{"architecture":\#(architecture),"config":\#(inner),\#(rest),"os":\#(os)}"#)
  }

  @Test func `bytes that are no UTF-8 pass through`() async throws {
    let config = Array(#"{"architecture":""#.utf8) + [0xff, 0xe2, 0x80, 0x41] + Array(#""}"#.utf8)
    let layer = TestImage.layer([5])
    let plain = TestImage.image([layer])
    var manifest = plain.manifest.value
    manifest.config.digest = Digest(of: config)
    manifest.config.byteCount = Int64(config.count)
    let image = Image(manifest: manifest.encoded(), config: config, layers: [layer])
    let written = try await DockerArchiveWriter(image, "a:t").writeEverywhere()
    #expect(written.differences == [])
    let copied =
      Array(#"{"architecture":""#.utf8) + [0xff, 0xe2, 0x80, 0x41] + Array(#"","config":null"#.utf8)
    #expect(written.file.firstRange(of: copied) != nil)
  }

  @Test func `lower layers have a parent and no config`() async throws {
    let layers = [[1], [2], [1]].map { TestImage.layer($0) }
    let written = try await DockerArchiveWriter(TestImage.image(layers, config: #"{"os":"linux"}"#), "a:t")
      .writeEverywhere()
    let digests = layers.map(\.descriptor.digest)
    let chain1 = Digest(of: Array("\(digests[0]) \(digests[1])".utf8))
    let chain2 = Digest(of: Array("\(chain1) \(digests[2])".utf8))
    let id0 = Digest.hex(of: #"{"layer_id":"\#(digests[0])"}"#)
    let id1 = Digest.hex(of: #"{"layer_id":"\#(chain1)","parent":"\#(id0)"}"#)
    let nulls =
      #""architecture":null,"config":null,"container":null,"container_config":null,"created":null,"docker_version":null"#
    let id2 = Digest.hex(of: #"{\#(nulls),"layer_id":"\#(chain2)","os":"linux","parent":"\#(id1)"}"#)
    let members = try await tarMembers(written.file)
    let jsons = [
      #"{"id":"\#(id0)"}"#, #"{"id":"\#(id1)","parent":"\#(id0)"}"#,
      #"{\#(nulls),"id":"\#(id2)","os":"linux","parent":"\#(id1)"}"#,
    ]
    for (index, (id, json)) in zip([id0, id1, id2], jsons).enumerated() {
      #expect(members[3 + 3 * index].hasPrefix("\(id)/layer.tar 2 0 0 ../\(digests[index].hex).tar "))
      #expect(members[4 + 3 * index] == "\(id)/VERSION 0 444 3 - \(Digest.hex(of: "1.0"))")
      #expect(members[5 + 3 * index] == "\(id)/json 0 444 \(json.utf8.count) - \(Digest.hex(of: json))")
    }
  }
}

extension String {
  fileprivate func firstRange(of text: String, after start: String) -> Range<Index>? {
    firstRange(of: start).flatMap { self[$0.upperBound...].firstRange(of: text) }
  }

  fileprivate func replacingCharacters(before index: Index, with text: String) -> String {
    self[..<index] + text + self[index...]
  }
}
