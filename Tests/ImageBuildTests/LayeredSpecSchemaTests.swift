import ImageBuild
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

/// The JSON Schema of the spec says what the parser says, judged by Python's jsonschema.
@Suite struct LayeredSpecSchemaTests {
  /// Whether every value is right by itself; what does not go together no schema can tell.
  private static func isAccepted(_ spec: JSONValue) -> Bool {
    do throws(SpecError) {
      _ = try LayeredSpec(
        parsing: spec.serialized(), directory: "/specs", now: DateText(seconds: 0), architecture: "amd64")
      return true
    } catch {
      guard case .problems(let problems) = error else { return false }
      return problems.allSatisfy(\.isContradiction)
    }
  }

  private static func expectAgreement(on specs: [JSONValue], _ comment: Comment) async throws {
    let verdicts = try await SchemaJudge.verdicts(on: specs, by: LayeredSpec.schema)
    try #require(verdicts.count == specs.count, comment)
    for (spec, verdict) in zip(specs, verdicts) {
      let text = String(decoding: spec.serialized(), as: UTF8.self)
      #expect(isAccepted(spec) == verdict, "the schema says \(verdict) of \(text); \(comment)")
    }
  }

  @Test func `each value alone gets one verdict from both`() async throws {
    var specs: [JSONValue] = [[:], ["name": .null], [], "x", .null, ["tag": "1"]]
    for (key, values) in SpecValuePool.all {
      for value in values.right + values.wrong {
        specs.append(key == "name" ? ["name": value] : .object(["name": "a"]).adding(key, value))
      }
      for value in values.wrong {
        let spec = JSONValue.object(key == "name" ? [:] : ["name": "a"]).adding(key, value)
        #expect(!Self.isAccepted(spec), "\(key): \(value)")
      }
      for value in values.right {
        let spec = JSONValue.object(key == "name" ? [:] : ["name": "a"]).adding(key, value)
        #expect(Self.isAccepted(spec), "\(key): \(value)")
      }
    }
    try await Self.expectAgreement(on: specs, "one key")
  }

  @Test func `random specs get one verdict from both`() async throws {
    let seed = UInt64.random(in: 1...1_000_000)
    var generator = SeededGenerator(seed: seed)
    let specs = (0..<1000).map { _ in SpecValuePool.spec(&generator) }
    let accepted = specs.count { Self.isAccepted($0) }
    #expect((200...800).contains(accepted), "both kinds are tried; seed \(seed)")
    try await Self.expectAgreement(on: specs, "seed \(seed)")
  }

  @Test func `the schema has every key of the parser, with its meaning and default`() throws {
    let properties = try #require(LayeredSpec.schema["properties"]?.object)
    #expect(Set(properties.names) == Set(LayeredSpecTests.allKeys + ["name"]))
    #expect(Set(SpecValuePool.all.map(\.key)) == Set(properties.names), "the pool of these tests has all")
    for member in properties.members {
      #expect(member.value["description"]?.string?.hasSuffix(".") == true, "\(member.name)")
      #expect((member.value["default"] == nil) == (member.name == "name"))
    }
  }

  /// A default that the parser would refuse, or that means something else when it is written down, would be a lie.
  @Test func `writing down the defaults of the schema changes nothing`() throws {
    let properties = try #require(LayeredSpec.schema["properties"]?.object)
    var spec: JSONObject = ["name": "a"]
    for member in properties.members { spec[member.name] = spec[member.name] ?? member.value["default"] }
    func parse(_ object: JSONObject) throws -> LayeredSpec {
      try LayeredSpec(
        parsing: JSONValue.object(object).serialized(), directory: "/", now: DateText(seconds: 0),
        architecture: "amd64")
    }
    #expect(try parse(spec) == parse(["name": "a"]))
  }
}

extension JSONValue {
  fileprivate func adding(_ name: String, _ value: JSONValue) -> JSONValue {
    var object = object ?? [:]
    object[name] = value
    return .object(object)
  }
}
