import Foundation
import OrderedJSON
import TestSupport
import Testing

@testable import NixStore

/// `.drv` files, judged by what Nix says of them (`nix show-derivation`).
@Suite struct DerivationTests {
  /// Compares a derivation with Nix's JSON of it, member by member.
  private func expect(_ derivation: Derivation, isShownAs shown: JSONValue, _ path: String) throws {
    let object = try #require(shown.object)
    #expect(
      Set(object.names) == ["outputs", "inputSrcs", "inputDrvs", "system", "builder", "args", "env"],
      "this version of Nix shows other members")
    let outputs = derivation.outputs.reduce(into: JSONObject()) { outputs, output in
      var members = JSONObject()
      members["path"] = output.path.map { .string($0.description) }
      if !output.hash.isEmpty { members["hash"] = .string(output.hash) }
      if !output.hashAlgorithm.isEmpty { members["hashAlgo"] = .string(output.hashAlgorithm) }
      outputs[output.name] = .object(members.sorted())
    }
    let shownOutputs = try #require(object["outputs"]?.object).members.reduce(into: JSONObject()) {
      $0[$1.name] = $1.value.object.map { .object($0.sorted()) }
    }
    #expect(outputs.sorted() == shownOutputs.sorted(), "\(path)")
    #expect(
      derivation.inputDerivations.map(\.derivation.description)
        == object["inputDrvs"]?.object?.names.sorted(),
      "\(path)")
    for input in derivation.inputDerivations {
      let names = object["inputDrvs"]?[input.derivation.description]?.array?.compactMap(\.string)
      #expect(input.outputs == names, "\(path)")
    }
    func texts(_ name: String) -> [String]? { object[name]?.array?.compactMap(\.string) }
    #expect(derivation.inputSources.map(\.description) == texts("inputSrcs"), "\(path)")
    #expect(derivation.arguments == texts("args"), "\(path)")
    #expect(derivation.system == object["system"]?.string && derivation.builder == object["builder"]?.string)
    let variables = try #require(object["env"]?.object).members.map { ($0.name, $0.value.string ?? "") }
    #expect(derivation.writtenEnvironment == Dictionary(uniqueKeysWithValues: variables), "\(path)")
  }

  @Test func `the vectors are read as Nix shows them`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "testdata/nix-hash-vectors.json")
    let document = try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
    let cases = try #require(document["derivations"]?["cases"]?.array)
    #expect(cases.count == 3)
    for vector in cases {
      let derivation = try Derivation(parsing: #require(vector["text"]?.string).utf8)
      try expect(derivation, isShownAs: #require(vector["parsed"]), vector["path"]?.string ?? "")
    }
  }

  /// Expressions whose derivations have everything that a `.drv` file can hold.
  private static let oddities = """
    let
      make = more: derivation ({ name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; } // more);
      dep = make { name = "dep"; outputs = [ "out" "dev" "man" ]; };
      text = builtins.toFile "text" "a \\"quoted\\" text\\n";
    in map make [
      { name = "bare"; args = [ ]; }
      { name = "escapes"; args = [ "-c" "a\\tb\\nc\\rd\\"e\\\\f$g'h" "" ]; A = "\\\\n"; B = "é🙂 \\n"; }
      { name = "inputs"; A = dep; B = dep.man; C = text; D = [ dep.dev dep (make { name = "z"; }) ]; }
      { name = "many-outputs"; outputs = [ "zz" "out" "a_b" "A" ]; }
      { name = "flat"; outputHash = builtins.hashString "sha256" "x"; outputHashAlgo = "sha256"; outputHashMode = "flat"; }
      { name = "recursive"; outputHash = builtins.hashString "sha1" "x"; outputHashAlgo = "sha1"; outputHashMode = "recursive"; }
      { name = "files"; passAsFile = [ "a" "b" ]; a = "x"; b = dep; }
      { name = "placeholders"; a = "${placeholder "out"} and ${placeholder "dev"}"; outputs = [ "out" "dev" ]; args = [ (placeholder "out") ]; }
      { name = "structured"; __structuredAttrs = true; list = [ 1 { a = null; } ]; dep = [ dep ]; }
      { name = "values"; a = true; b = false; c = null; d = 2.5; e = [ 1 [ 2 "x" ] ]; "strange = name" = "1"; }
      { name = "builtin"; builder = "builtin:fetchurl"; system = "builtin"; url = "x"; }
      { name = "long"; text = builtins.concatStringsSep "\\n" (builtins.genList (i: "line \\" ${toString i}") 20000); }
    ]
    """

  @Test func `everything that Nix writes is read as Nix shows it`() async throws {
    let store = try await NixTestStore()
    let environment = [
      "NIX_REMOTE": store.root, "NIX_CONFIG": "build-users-group =\nexperimental-features = nix-command",
    ]
    let made = try await Program.check("nix-instantiate", ["-E", Self.oddities], environment: environment)
    #expect(made.text.split(separator: "\n").count == 12)
    try await compareAll(in: store.root, environment: environment, atLeast: 14)
    try await store.remove()
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["NIX_STORE_FIXTURE"] != nil,
      "NIX_STORE_FIXTURE names no store with derivations; those of the end-to-end tests are read by NixShellCommandTests"
    ))
  func `every derivation of the fixture is read as Nix shows it`() async throws {
    let results = try #require(ProcessInfo.processInfo.environment["NIX_STORE_FIXTURE"])
    let script = ". \"$0/env.sh\"; printf '%s' \"${NIX_REMOTE-}\""
    let root = try await Program.check("bash", ["-c", script, results]).text
    let environment = [
      "NIX_REMOTE": root, "NIX_CONFIG": "build-users-group =\nexperimental-features = nix-command",
    ]
    try await compareAll(in: root, environment: environment, atLeast: 100)
  }

  /// Compares each `.drv` file of a store with what Nix shows of it.
  private func compareAll(
    in root: String, environment: [String: String], atLeast minimum: Int
  ) async throws {
    let directory = root + "/nix/store"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
      .filter { $0.hasSuffix(".drv") }
    #expect(names.count >= minimum)
    let paths = names.map { "/nix/store/\($0)" }
    let shown = try await Program.check("nix", ["show-derivation"] + paths, environment: environment)
    let document = try JSONValue(parsing: shown.output)
    for path in paths {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: root + path)))
      try expect(Derivation(parsing: bytes), isShownAs: #require(document[path]), path)
    }
  }

  // MARK: Placeholders

  @Test func `what stands for an output becomes its path, as in the vectors`() throws {
    // `nix-instantiate --eval -E 'placeholder "out"'`, and the variable `other` of the first vector.
    #expect(Derivation.placeholder("out") == "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9")
    let vector = try #require(try NixVectors.load().derivations.cases.first)
    let derivation = try Derivation(parsing: vector.text.utf8)
    #expect(derivation.writtenEnvironment["other"] == Derivation.placeholder("dev"))
    #expect(derivation.environment["other"] == vector.parsed.outputs["dev"]?.path)
    #expect(derivation.environment["list"] == derivation.writtenEnvironment["list"])
  }

  // MARK: Wrong files

  private static let hash = String(repeating: "0", count: 32)
  private static let small =
    #"Derive([("out","/nix/store/\#(hash)-x","","")],[("/nix/store/\#(hash)-d.drv",["dev","out"])],["/nix/store/\#(hash)-s"],"x86_64-linux","/bin/sh",["-c"],[("a","1"),("b","2")])"#

  @Test func `a small one is what it says`() throws {
    let derivation = try Derivation(parsing: Self.small.utf8)
    #expect(
      derivation.outputs.map(\.name) == ["out"] && derivation.inputDerivations[0].outputs == ["dev", "out"])
    #expect(derivation.command == ["/bin/sh", "-c"] && derivation.environment == ["a": "1", "b": "2"])
  }

  @Test(arguments: [
    ("Derive(", "derive(", "at byte 0: expected “Derive(”, with which a .drv file begins, found “d”"),
    (#"Derive([("#, "Derive([ (", "at byte 8: expected “(”, found a byte of 32"),
    ("])", "]) ", "expected the end, found a byte of 32"), ("])", "]))", "expected the end, found “)”"),
    ("])", "]", "expected “)”, found the end"), ("\"2\")", "\"2\"", "expected “)”, found “]”"),
    ("\"-c\"", "\"-c\",", "expected an argument, found “]”"),
    ("\"-c\"", "-c", "expected an argument, found “-”"),
    ("\"-c\"", "\"-c\"\"d\"", "expected “,” or “]”, found “\"”"),
    ("\"1\"", "\"\\q\"", "expected one of the escapes \\\" \\\\ \\n \\r \\t, found “q”"),
    ("\"1\"", "\"\u{0}\"", "is not UTF-8, or has a NUL"),
    ("(\"b\"", "(\"a\"", "“a” comes after “a”"), ("(\"b\"", "(\"A\"", "“A” comes after “a”"),
    (#""dev","out""#, #""out","dev""#, "“dev” comes after “out”"),
    ("(\"out\"", "(\"o!t\"", "expected the name of an output, found “o!t”"),
    ("(\"out\"", "(\"\"", "expected the name of an output, found “”"),
    ("-d.drv", "-d", "expected the path of a .drv file"), ("-s\"]", "-s/x\"]", "store path name “s/x”"),
    ("/nix/store/\(hash)-s", "/tmp/\(hash)-s", "is not in the store /nix/store"),
    ("Derive(", "DrvWithVersion(\"xp-dyn-drv\",", "only Derive(…) can be read"),
  ])
  func `what Nix would not write is refused, with its place`(old: String, new: String, message: String) throws
  {
    let range = try #require(Self.small.range(of: old, options: .backwards))
    let text = Self.small.replacingCharacters(in: range, with: new)
    let error = try #require(throws: DerivationError.self) { try Derivation(parsing: text.utf8) }
    #expect(error.description.contains(message), "\(error)")
  }

  @Test func `bytes that are no UTF-8 are refused, with the place of their string`() throws {
    let bytes =
      Array(Self.small.utf8.dropLast(6)) + [UInt8(ascii: "\""), 0xFF, UInt8(ascii: "\"")] + Array(")])".utf8)
    let error = try #require(throws: DerivationError.self) { try Derivation(parsing: bytes) }
    #expect(error == .text(offset: Self.small.utf8.count - 6), "\(error)")
  }

  @Test func `no beginning of a derivation is one`() {
    let bytes = Array(Self.small.utf8)
    for count in 0..<bytes.count {
      #expect(throws: DerivationError.self) { try Derivation(parsing: bytes.prefix(count)) }
    }
  }

  @Test func `changed bytes give another derivation or an error, and nothing else`() throws {
    let seed = UInt64.random(in: 1...1_000_000)
    var generator = SeededGenerator(seed: seed)
    let texts = try NixVectors.load().derivations.cases.map { Array($0.text.utf8) } + [Array(Self.small.utf8)]
    var read = 0
    for _ in 0..<20_000 {
      var bytes = generator.pick(texts)
      for _ in 0...generator.number(in: 0...2) {
        let place = generator.number(in: 0...bytes.count - 1)
        switch generator.number(in: 0...2) {
        case 0: bytes[place] = generator.pick(Array("()[],\"\\n/0\u{0}ÿ".utf8))
        case 1: bytes.remove(at: place)
        default: bytes.insert(contentsOf: bytes[place..<min(place + 9, bytes.count)], at: place)
        }
      }
      if (try? Derivation(parsing: bytes)) != nil { read += 1 }
    }
    #expect((100...15_000).contains(read), "both happen; seed \(seed)")
  }

  @Test func `brackets without end are no burden`() {
    let bytes = Array("Derive(".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 10_000_000)
    #expect(throws: DerivationError.self) { try Derivation(parsing: bytes) }
  }
}
