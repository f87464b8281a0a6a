import Hashing
import TestSupport
import Testing

@testable import NixStore

private let hash = "4mxy9mn6978zkvlc670g5703nijsqc95"

@Suite struct StorePathTests {
  @Test func `a pulled image lies where the manual says`() throws {
    let example = try NixVectors.load().manualExample
    let digest = try #require(NixHash(parsing: example.sri).digest)
    let path = try StorePath.fixedOutput(flat: digest, name: example.name)
    #expect(path.description == example.flatPath)
  }

  @Test func `files lie where Nix puts them`() throws {
    for file in try NixVectors.load().files {
      #expect(file.flatPath.count == 3)
      for (type, expected) in file.flatPath {
        let flat = try NixHash(parsing: "\(type):\(#require(file.flat[type]).hex)")
        let path = try StorePath.fixedOutput(flat, method: .flat, name: file.name)
        #expect(path.description == expected, "\(type) of \(file.name)")
        if let digest = flat.digest {
          #expect(try StorePath.fixedOutput(flat: digest, name: file.name) == path)
        }
      }
      let nar = try NixHash(parsing: file.narSHA256.sri)
      let source = try StorePath.fixedOutput(nar, method: .recursive, name: file.name)
      #expect(source.description == file.sourcePath)
    }
  }

  @Test func `trees lie where Nix puts them`() throws {
    for tree in try NixVectors.load().trees {
      let nar = try NixHash(parsing: tree.narSHA256.sri)
      let source = try StorePath.fixedOutput(nar, method: .recursive, name: tree.name)
      #expect(source.description == tree.sourcePath)
      guard let archive = tree.nar else { continue }
      let weak = try #require(NixHash(algorithm: .sha1, bytes: SHA1.hash(Array(archive))))
      let fixed = try StorePath.fixedOutput(weak, method: .recursive, name: tree.name)
      #expect(fixed.description == tree.narSHA1FixedPath)
    }
  }

  @Test func `texts lie where Nix puts them, whatever the order of their references`() throws {
    let texts = try NixVectors.load().closure.paths
    #expect(texts.count == 5)
    for text in texts {
      let references = try text.references.map { try StorePath(parsing: $0) }
      let digest = Digest(of: text.text.utf8)
      for order in [references, references.reversed(), references + references] {
        let path = try StorePath.text(digest, references: order, name: text.name)
        #expect(path.description == text.path)
      }
    }
  }

  @Test func `derivations and fixed outputs lie where Nix puts them`() throws {
    let cases = try NixVectors.load().derivations.cases
    #expect(cases.count == 3)
    for derivation in cases {
      let expected = try StorePath(parsing: derivation.path)
      let inputs = derivation.parsed.inputSrcs + derivation.parsed.inputDrvs.keys
      let path = try StorePath.text(
        Digest(of: derivation.text.utf8), references: inputs.map { try StorePath(parsing: $0) },
        name: expected.name)
      #expect(path == expected)
      for output in derivation.parsed.outputs.values {
        guard let type = output.hashAlgo, let hex = output.hash else { continue }
        let expected = try StorePath(parsing: output.path)
        let fixed = try StorePath.fixedOutput(
          NixHash(parsing: "\(type):\(hex)"), method: .flat, name: expected.name)
        #expect(fixed == expected)
      }
    }
  }

  @Test func `another store gives another hash`() throws {
    let digest = Digest(of: [])
    let here = try StorePath.fixedOutput(flat: digest, name: "x")
    let there = try StorePath.fixedOutput(flat: digest, name: "x", storeDirectory: "/home/me/store")
    #expect(there.description.hasPrefix("/home/me/store/"))
    #expect(here.hashPart != there.hashPart)
  }

  @Test func `a path has its parts`() throws {
    let path = try StorePath(parsing: "/nix/store/\(hash)-a-b.tar.gz")
    #expect(path.hashPart == hash)
    #expect(path.name == "a-b.tar.gz")
    #expect(path.baseName == "\(hash)-a-b.tar.gz")
    #expect(path.description == "/nix/store/\(hash)-a-b.tar.gz")
  }

  @Test(arguments: [
    ("/nix/storage/\(hash)-a", "another directory"), ("/nix/store", "the store itself"),
    ("nix/store/\(hash)-a", "a relative path"),
    ("/nix/store/\(hash)", "no name"), ("/nix/store/\(hash)-", "an empty name"),
    ("/nix/store/\(hash.dropLast())-a", "31 digits"), ("/nix/store/\(hash)0-a", "33 digits"),
    ("/nix/store/\(hash.dropLast())e-a", "a digit that Nix does not have"),
    ("/nix/store/\(hash)-a/bin", "a file inside"), ("/nix/store/\(hash)_a", "no hyphen"),
    ("/nix/store/.links", "no store path"),
  ])
  func `a path that is not directly in the store is refused`(path: String, reason: String) {
    #expect(throws: StorePathError.self, "\(reason)") { try StorePath(parsing: path) }
  }

  @Test(arguments: ["a", "A-Z0.9+x_y?z=w", String(repeating: "n", count: 211), ".hidden", "..."])
  func `an allowed name is taken`(name: String) throws {
    #expect(try StorePath.fixedOutput(flat: Digest(of: []), name: name).name == name)
  }

  @Test(arguments: [
    ("", StorePathError.nameLength("")), ("a/b", .nameCharacter("a/b")), ("a:b", .nameCharacter("a:b")),
    ("a b", .nameCharacter("a b")), ("a@b", .nameCharacter("a@b")), ("a~", .nameCharacter("a~")),
    ("é", .nameCharacter("é")), ("a\0", .nameCharacter("a\0")), (".", .nameCharacter(".")),
    ("..", .nameCharacter("..")), (".-a", .nameCharacter(".-a")), ("..-a", .nameCharacter("..-a")),
    (String(repeating: "n", count: 212), .nameLength(String(repeating: "n", count: 212))),
  ])
  func `a name that Nix refuses is refused`(name: String, error: StorePathError) {
    #expect(throws: error) { try StorePath.fixedOutput(flat: Digest(of: []), name: name) }
  }

  @Test func `a digest that Nix does not have is refused`() {
    let digest = Digest(of: [], algorithm: .sha384)
    #expect(throws: StorePathError.unknownAlgorithm(digest)) {
      try StorePath.fixedOutput(flat: digest, name: "x")
    }
    let long = Digest(of: [], algorithm: .sha512)
    #expect(throws: StorePathError.unknownAlgorithm(long)) {
      try StorePath.text(long, references: [], name: "x")
    }
  }
}
