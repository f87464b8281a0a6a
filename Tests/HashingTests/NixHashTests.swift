import TestSupport
import Testing

@testable import Hashing

private let emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
private let emptyBase32 = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
private let emptySRI = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

@Suite struct NixHashTests {
  @Test func `every form of every vector is the same hash`() throws {
    for vector in try NixVectors.load().encodings {
      let algorithm = try #require(NixHashAlgorithm(rawValue: vector.type))
      let hash = try NixHash(parsing: vector.sri)
      #expect(hash.algorithm == algorithm)
      #expect(hash.hex == vector.hex)
      #expect(hash.base32 == vector.base32)
      #expect(hash.sri == vector.sri)
      #expect(hash.description == vector.sri)
      let base64 = String(vector.sri.dropFirst(vector.type.count + 1))
      for form in [vector.hex, vector.base32, base64, vector.hex.uppercased()] {
        #expect(try NixHash(parsing: form, algorithm: algorithm) == hash, "\(form)")
        #expect(try NixHash(parsing: "\(vector.type):\(form)") == hash, "\(form) with its type")
      }
      #expect(try NixHash(parsing: vector.sri, algorithm: algorithm) == hash)
    }
  }

  @Test func `hashes of files agree with what is computed here`() throws {
    let files = try NixVectors.load().files
    #expect(files.count == 9)
    for file in files {
      for algorithm in [DigestAlgorithm.sha256, .sha512] {
        let expected = try #require(file.flat[algorithm.rawValue])
        let hash = try #require(NixHash(Digest(of: Array(file.contents), algorithm: algorithm)))
        #expect(hash.hex == expected.hex, "\(file.name)")
        #expect(hash.base32 == expected.base32, "\(file.name)")
        #expect(hash.sri == expected.sri, "\(file.name)")
      }
      for type in ["md5", "sha1"] {
        let expected = try #require(file.flat[type])
        let hash = try NixHash(parsing: "\(type):\(expected.hex)")
        #expect(hash.base32 == expected.base32, "\(file.name)")
        #expect(hash.sri == expected.sri, "\(file.name)")
      }
    }
  }

  @Test func `hashes of archives are written in all forms`() throws {
    let vectors = try NixVectors.load()
    let hashes =
      vectors.files.map(\.narSHA256) + vectors.trees.map(\.narSHA256)
      + vectors.closure.paths.map(\.narSHA256)
    for expected in hashes {
      let hash = try NixHash(parsing: "sha256:\(expected.hex)")
      #expect(hash.base32 == expected.base32)
      #expect(hash.sri == expected.sri)
    }
    for entry in vectors.closure.graph {
      let text = try #require(vectors.closure.paths.first { $0.path == entry.path })
      #expect(try NixHash(parsing: entry.narHash).hex == text.narSHA256.hex)
    }
  }

  @Test func `the manual's two spellings are one hash`() throws {
    let example = try NixVectors.load().manualExample
    #expect(try NixHash(parsing: example.sri) == NixHash(parsing: example.base32, algorithm: .sha256))
  }

  @Test func `digests and hashes convert where both exist`() throws {
    let digest = Digest(of: [])
    let hash = try #require(NixHash(digest))
    #expect(hash.sri == emptySRI)
    #expect(hash.digest == digest)
    #expect(NixHash(Digest(of: [], algorithm: .sha384)) == nil)
    #expect(try NixHash(parsing: "md5-1B2M2Y8AsgTpgAmY7PhCfg==").digest == nil)
    #expect(NixHash(algorithm: .sha1, bytes: [1, 2]) == nil)
  }

  @Test(arguments: [
    (emptyHex, NixHashError.missingAlgorithm(emptyHex), "nobody says the kind"),
    ("", .missingAlgorithm(""), "there is nothing"),
    ("sha3:\(emptyHex)", .unknownAlgorithm("sha3:\(emptyHex)"), "Nix has no such kind"),
    ("SHA256:\(emptyHex)", .unknownAlgorithm("SHA256:\(emptyHex)"), "kinds are lower case"),
    ("sha256:", .malformed("sha256:", .sha256), "the hash is missing"),
    ("sha256-", .malformed("sha256-", .sha256), "the base 64 is missing"),
    ("sha512:\(emptyHex)", .malformed("sha512:\(emptyHex)", .sha512), "32 bytes are not 64"),
    ("sha256-\(emptyHex)", .malformed("sha256-\(emptyHex)", .sha256), "SRI is base 64 only"),
    ("sha256-\(emptyBase32)", .malformed("sha256-\(emptyBase32)", .sha256), "not base 32 either"),
    ("sha256:\(emptyHex)0", .malformed("sha256:\(emptyHex)0", .sha256), "65 digits"),
    (
      String(emptySRI.dropLast()), .malformed(String(emptySRI.dropLast()), .sha256), "the padding is missing"
    ),
  ])
  func `a text that is no hash is refused by its fault`(text: String, error: NixHashError, reason: String) {
    #expect(throws: error, "\(reason)") { try NixHash(parsing: text) }
    #expect(error.description.contains(text))
  }

  @Test func `another kind than the expected one is refused`() {
    #expect(throws: NixHashError.otherAlgorithm(emptySRI, expected: .sha512)) {
      try NixHash(parsing: emptySRI, algorithm: .sha512)
    }
  }
}
