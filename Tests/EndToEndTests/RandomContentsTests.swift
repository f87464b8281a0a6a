import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `contents` that have the same names for different things, read by `testdata/random-contents.py`.
@Suite struct RandomContentsTests {
  @Test(arguments: 1...10)
  func `every file of random contents is in the image, or named in a message`(number: Int) async throws {
    let seed = number + Int(getpid()) * 1000
    let place = try Workplace()
    defer { place.remove() }
    func script(_ arguments: [String]) async throws -> Program.Result {
      try await Program.check("python3", [testdata("random-contents.py")] + arguments)
    }
    let root = place.directory.appending("root")
    let made = try await script(["make", String(seed), root, place.directory.path])
    let items = try #require(try JSONValue(parsing: made.output).array)
    let graph = items.filter { $0.string?.hasPrefix("/nix/store/") == true }.map { item in
      ["path": item, "narSize": 1, "references": []] as JSONValue
    }
    try place.directory.write(JSONValue.array(graph).serialized(), to: "closure.json")
    let spec: JSONValue = [
      "name": "x", "tag": "1", "closure": "closure.json", "compressor": "none", "contents": .array(items),
    ]
    let path = try place.directory.write(spec.serialized(), to: "spec.json")
    let result = try await place.cooper([
      "build", "layered", path, "-o", place.directory.appending("out.tar"), "--store-root", root,
    ])
    guard result.status == 0 else {
      // What cannot be in one image is refused by its name.
      #expect(result.status == 1, "seed \(seed): \(result.errors)")
      let line = try #require(result.errors.split(separator: "\n").last)
      #expect(
        line.contains("“") && (line.contains("an image cannot have both") || line.contains(" a link that ")),
        "seed \(seed): \(line)")
      return
    }
    let messages = try place.directory.write(result.errors, to: "messages")
    let strings = items.compactMap(\.string)
    let lost = try await script(["account", place.directory.appending("out.tar"), messages, root] + strings)
    #expect(lost.text == "", "seed \(seed)")
  }
}
