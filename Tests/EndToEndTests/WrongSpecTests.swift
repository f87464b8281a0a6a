import OrderedJSON
import TestSupport
import Testing

/// What `cooper build layered` says of specs that cannot be meant; nothing is left of the image.
@Suite struct WrongSpecTests {
  private static let needing: JSONValue = ["Cmd": ["/nix/store/00000000000000000000000000000000-x/bin/x"]]

  /// Members beside `name`, the exit status, and what the message has.
  private static let specs: [(JSONObject, Int32, [String])] = [
    (["contens": []], 2, ["spec.json", "“contens”", "“contents”"]),
    (["name": 5], 2, ["“name”", "5"]),
    (["name": "bad name"], 2, ["“name”", "bad name"]),
    (["tag": "a b"], 2, ["“tag”"]),
    (["contents": [5]], 2, ["“contents[0]”"]),
    (["contents": ["helper:none"]], 2, ["“contents[0]”", "fakeNss"]),
    (["contents": "nowhere"], 4, ["/nowhere"]),
    (["contents": "spec.json"], 1, ["“contents”", "/spec.json", "no directory"]),
    (["fromImage": "gone.tar"], 4, ["/gone.tar"]),
    (["fromImage": "spec.json"], 1, ["/spec.json"]),
    (["closure": "gone.json", "config": needing], 4, ["/gone.json"]),
    (["closure": "spec.json", "config": needing], 1, ["/spec.json"]),
    (["closure": "graph.json", "config": needing], 1, ["/nix/store/00000000000000000000000000000000-x"]),
    (["maxLayers": "5"], 2, ["“maxLayers”", "\"5\""]),
    (["maxLayers": 1], 2, ["“maxLayers”", "from 2"]),
    (["config": []], 2, ["“config”"]),
    (["created": "yesterday"], 2, ["“created”", "yesterday"]),
    (["mtime": 5], 2, ["“mtime”"]),
    (["uid": "root"], 2, ["“uid”", "root"]),
    (["uid": -1], 2, ["“uid”", "-1"]),
    (["includeNixDB": "yes"], 2, ["“includeNixDB”"]),
    (["compressor": "xz"], 2, ["“compressor”", "zstd"]),
    (["layering": "best"], 2, ["“layering”", "popularity"]),
    (["layering": [["/etc"]]], 1, ["layering", "/etc"]),
    (["layering": [["/nix/store/00000000000000000000000000000000-x"]]], 1, ["layering", "-x"]),
    (["permissions": [["mode": "0644"]]], 2, ["“permissions[0].path”"]),
    (["permissions": [["path": "x", "mode": "0888"]]], 2, ["“permissions[0].mode”", "octal"]),
    (["permissions": [["path": "x", "mode": 644]]], 2, ["“permissions[0].mode”", "octal", "644"]),
    (["labels": ["a": 1]], 2, ["“labels.a”"]),
    (["labels": ["a": "1"], "config": ["Labels": ["a": "2"]]], 2, ["“labels”", "“a”"]),
    (["format": "oci", "compressor": "gz"], 2, ["“compressor”", "“layerCompression”"]),
    (["copyToRoot": []], 2, ["“copyToRoot”", "“contents”"]),
    (["extraCommands": "true\nexit 7"], 1, ["“extraCommands”", "status 7"]),
    (["extraCommands": "echo (x"], 1, ["“extraCommands”", "syntax error"]),
    (["fakeRootCommands": "kill -9 $$"], 1, ["“fakeRootCommands”"]),
  ]

  @Test(arguments: specs)
  func `a wrong spec is refused with what is wrong and a status that says of which kind it is`(
    members: JSONObject, status: Int32, words: [String]
  ) async throws {
    let place = try Workplace()
    defer { place.remove() }
    var document: JSONObject = ["name": "x"]
    for member in members.members { document[member.name] = member.value }
    let spec = try place.directory.write(JSONValue.object(document).serialized(), to: "spec.json")
    try place.directory.write("[]", to: "graph.json")
    let result = try await place.cooper([
      "build", "layered", spec, "-o", place.directory.appending("out.tar"),
    ])
    #expect(result.status == status, "\(result.errors)")
    for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
    #expect(try place.directory.names() == ["graph.json", "spec.json"])
  }

  @Test(arguments: [
    "", "[]", "null", "{\"name\": \"x\"", "{\"name\": \"x\",}", "{\"name\": \"x\"} y",
    "{\"name\": \"x\", \"name\": \"y\"}",
  ])
  func `what is no object of JSON is refused by the name of its file`(text: String) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let spec = try place.directory.write(text, to: "spec.json")
    for command in [
      ["build", "layered", spec, "-o", place.directory.appending("out.tar")], ["stream", "layered", spec],
    ] {
      let result = try await place.cooper(command)
      #expect(result.status == 2)
      #expect(result.errors.contains(spec) && result.output.isEmpty, "\(result.errors)")
    }
    #expect(try place.directory.names() == ["spec.json"])
  }
}
