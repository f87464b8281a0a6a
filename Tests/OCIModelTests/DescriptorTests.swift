import Hashing
import OrderedJSON
import Testing

@testable import OCIModel

private let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/// A descriptor of which some members are changed; nil removes one.
private func json(_ changes: [String: JSONValue?] = [:]) -> JSONValue {
  var object: JSONObject = ["mediaType": "application/x", "digest": .string(digest), "size": 3]
  for (name, value) in changes { object[name] = value }
  return .object(object)
}

@Suite struct DescriptorTests {
  @Test func `all members are read, and written in the order of the specification`() throws {
    let text = """
      {"mediaType":"application/x","digest":"\(digest)","size":3,"urls":["https://a/b","c"],\
      "annotations":{"z":"1","a":"2"},"data":"YWJj","platform":{"architecture":"arm","os":"linux",\
      "os.version":"10.0","os.features":["x"],"variant":"v7","features":["sse4"]},"artifactType":"application/y","x":[1]}
      """
    let descriptor = try Descriptor(json: JSONValue(parsing: text.utf8))
    #expect(descriptor.mediaType.rawValue == "application/x")
    #expect(descriptor.digest == Digest(of: []))
    #expect(descriptor.byteCount == 3)
    #expect(descriptor.urls == ["https://a/b", "c"])
    #expect(descriptor.annotations.names == ["z", "a"])
    #expect(descriptor.annotations["a"] == "2")
    #expect(descriptor.data == Array("abc".utf8))
    #expect(descriptor.platform?.description == "linux/arm/v7")
    #expect(descriptor.platform?.osVersion == "10.0")
    #expect(descriptor.platform?.osFeatures == ["x"])
    #expect(descriptor.platform?.features == ["sse4"])
    #expect(descriptor.artifactType == "application/y")
    #expect(descriptor.otherMembers == ["x": [1]])
    #expect(String(decoding: descriptor.json.serialized(), as: UTF8.self) == text)
  }

  @Test func `only the members that have content are written`() {
    let descriptor = Descriptor(mediaType: .ociLayer, digest: Digest(of: []), byteCount: 0)
    #expect(descriptor.json.object?.names == ["mediaType", "digest", "size"])
  }

  @Test func `null is nothing, as for Go`() throws {
    let names = ["urls", "annotations", "data", "platform", "artifactType"]
    let nulls = Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue?.some(.null)) })
    #expect(try Descriptor(json: json(nulls)) == Descriptor(json: json()))
  }

  @Test func `an empty variant is none`() throws {
    let platform: JSONValue = ["os": "linux", "architecture": "amd64", "variant": "", "os.version": ""]
    let read = try Descriptor(json: json(["platform": platform])).platform
    #expect(read == Platform(os: "linux", architecture: "amd64"))
  }

  @Test(arguments: [-1, 0, 1, Descriptor.maximumByteCount])
  func `a possible size is taken, and −1 is unknown`(size: Int64) throws {
    #expect(try Descriptor(json: json(["size": .integer(size)])).byteCount == size)
  }

  @Test(arguments: [
    (JSONValue.integer(-2), "negative"), (.integer(Int64.min), "very negative"),
    (.integer(Descriptor.maximumByteCount + 1), "absurd"), (.integer(Int64.max), "the greatest integer"),
    (.number("3.5"), "a fraction"), (.number("3.0"), "written as a fraction"),
    (.number("1e3"), "an exponent"),
    (.string("3"), "a text"), (.array([3]), "a list"), (.bool(true), "a truth value"),
  ])
  func `an impossible size is refused`(size: JSONValue, reason: String) {
    #expect(throws: DocumentError.self, "\(reason)") { try Descriptor(json: json(["size": size])) }
  }

  @Test(arguments: [
    "", "sha256", "sha256:", "sha256:abc", digest.uppercased(), digest + "0",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    " " + digest, "sha256:" + String(repeating: "/", count: 64), "blake3:" + digest.dropFirst(7),
  ])
  func `a digest that cannot be checked is refused`(text: String) {
    let error = DocumentError.invalid(
      field: "layers[1].digest", found: text, expected: "sha256: and 64 lower-case hexadecimal digits")
    #expect(throws: error) {
      try Descriptor(json: json(["digest": .string(text)]), path: "layers[1]")
    }
  }

  @Test(arguments: ["mediaType", "digest", "size"])
  func `what every descriptor has must be there`(name: String) {
    for value in [nil, JSONValue.null] {
      #expect(throws: DocumentError.missing(field: "config.\(name)")) {
        try Descriptor(json: json([name: value]), path: "config")
      }
    }
  }

  @Test(arguments: [
    ("mediaType", JSONValue.integer(1), "mediaType", "a string", "a number"),
    ("digest", .array([]), "digest", "a string", "a list"),
    ("size", .string("1"), "size", "a number", "a string"),
    ("urls", .string("x"), "urls", "a list", "a string"),
    ("urls", .array([1]), "urls[0]", "a string", "a number"),
    ("annotations", .array([]), "annotations", "an object", "a list"),
    ("annotations", .object(["a": 1]), "annotations.a", "a string", "a number"),
    ("data", .integer(1), "data", "a string", "a number"),
    ("platform", .string("linux"), "platform", "an object", "a string"),
    ("platform", .object(["os": 1]), "platform.os", "a string", "a number"),
    ("platform", .object(["os.features": "x"]), "platform.os.features", "a list", "a string"),
    ("artifactType", .bool(true), "artifactType", "a string", "a truth value"),
  ])
  func `a member of another kind is refused by its name`(
    name: String, value: JSONValue, field: String, expected: String, found: String
  ) {
    #expect(throws: DocumentError.wrongKind(field: "d.\(field)", expected: expected, found: found)) {
      try Descriptor(json: json([name: value]), path: "d")
    }
  }

  @Test(arguments: ["YWJ", "YWJj\n", "YW Jj", "YWJ_", "====", "YWI", "YWJ="])
  func `content that is not base 64 is refused`(data: String) {
    #expect("\(data)") {
      try Descriptor(json: json(["data": .string(data)]))
    } throws: {
      if case DocumentError.invalid("descriptor.data", _, _) = $0 { true } else { false }
    }
  }

  @Test(arguments: [
    ("MediaType", "mediaType"), ("mediatype", "mediaType"), ("Digest", "digest"), ("SIZE", "size"),
    ("Urls", "urls"),
    ("Platform", "platform"), ("\u{17F}ize", "size"), ("dige\u{17F}t", "digest"),
    ("annotation\u{17F}", "annotations"),
  ])
  func `a name that Go would take for another one is refused`(name: String, meant: String) {
    #expect(throws: DocumentError.misspelled(field: "d.\(name)", expected: meant)) {
      try Descriptor(json: json([name: .string("x")]), path: "d")
    }
  }

  @Test func `a platform spelt otherwise is refused too`() {
    #expect(throws: DocumentError.misspelled(field: "d.platform.OS", expected: "os")) {
      try Descriptor(json: json(["platform": ["os": "linux", "OS": "windows"]]), path: "d")
    }
  }

  @Test func `what is not an object is refused`() {
    #expect(throws: DocumentError.wrongKind(field: "d", expected: "an object", found: "a list")) {
      try Descriptor(json: [], path: "d")
    }
  }

  @Test func `attestations are known by platform or annotation`() throws {
    let unknown: JSONValue = ["os": "unknown", "architecture": "unknown"]
    let half: JSONValue = ["os": "linux", "architecture": "unknown"]
    let key = "vnd.docker.reference.type"
    #expect(try Descriptor(json: json(["platform": unknown])).isAttestation)
    #expect(try Descriptor(json: json(["annotations": [(key): "attestation-manifest"]])).isAttestation)
    #expect(try !Descriptor(json: json(["annotations": [(key): "other"]])).isAttestation)
    #expect(try !Descriptor(json: json(["platform": half])).isAttestation)
    #expect(try !Descriptor(json: json()).isAttestation)
  }
}

@Suite struct AnnotationsTests {
  @Test func `annotations keep their place when changed`() {
    var annotations: Annotations = ["b": "1", "a": "2", "b": "3"]
    #expect(annotations.names == ["b", "a"])
    #expect(annotations["b"] == "3")
    annotations["c"] = "4"
    annotations["b"] = nil
    annotations["missing"] = nil
    annotations["a"] = "5"
    #expect(annotations.json == ["a": "5", "c": "4"])
    #expect(!annotations.isEmpty)
    #expect(Annotations().isEmpty)
  }
}
