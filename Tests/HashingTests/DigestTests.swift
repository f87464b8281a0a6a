import Testing

@testable import Hashing

private let emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

@Suite struct DigestTests {
  /// FIPS 180-4's examples, as NIST publishes them.
  @Test(arguments: [
    ("abc", DigestAlgorithm.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("", .sha256, emptyHex),
    (
      "abc", .sha384,
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    ),
    (
      "abc", .sha512,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
  ])
  func `known texts have known digests`(text: String, algorithm: DigestAlgorithm, hex: String) throws {
    let digest = Digest(of: text.utf8, algorithm: algorithm)
    #expect(digest.hex == hex)
    #expect(digest.bytes.count == algorithm.byteCount)
    #expect(digest.description == "\(algorithm.rawValue):\(hex)")
    #expect(try Digest(parsing: digest.description) == digest)
  }

  @Test(arguments: [
    ("", DigestError.malformed(""), "nothing"), (emptyHex, .malformed(emptyHex), "no algorithm"),
    ("sha256:", .malformed("sha256:"), "no digits"),
    (":\(emptyHex)", .unknownAlgorithm(":\(emptyHex)"), "no name"),
    ("sha256:\(emptyHex)0", .malformed("sha256:\(emptyHex)0"), "an odd number of digits"),
    ("sha256:\(emptyHex)00", .malformed("sha256:\(emptyHex)00"), "a byte too much"),
    ("sha256:\(emptyHex.dropLast(2))", .malformed("sha256:\(emptyHex.dropLast(2))"), "a byte too few"),
    ("sha512:\(emptyHex)", .malformed("sha512:\(emptyHex)"), "the length of another algorithm"),
    ("sha256:\(emptyHex.uppercased())", .malformed("sha256:\(emptyHex.uppercased())"), "capital digits"),
    ("SHA256:\(emptyHex)", .unknownAlgorithm("SHA256:\(emptyHex)"), "a capital name"),
    (
      "md5:d41d8cd98f00b204e9800998ecf8427e", .unknownAlgorithm("md5:d41d8cd98f00b204e9800998ecf8427e"), "MD5"
    ),
    (" sha256:\(emptyHex)", .unknownAlgorithm(" sha256:\(emptyHex)"), "a blank before"),
    ("sha256:\(emptyHex)\n", .malformed("sha256:\(emptyHex)\n"), "a line break behind"),
    ("sha256: \(emptyHex.dropLast())", .malformed("sha256: \(emptyHex.dropLast())"), "a blank inside"),
  ])
  func `what has not exactly the one spelling is refused`(text: String, error: DigestError, reason: String) {
    #expect(throws: error, "\(reason)") { try Digest(parsing: text) }
    #expect(error.description.contains(text))
  }

  @Test func `a part of a text can be read`() throws {
    let text = "name@sha256:\(emptyHex)"
    #expect(try Digest(parsing: text.dropFirst(5)) == Digest(of: []))
  }

  @Test func `the algorithm counts for equality`() {
    #expect(Digest(of: [], algorithm: .sha256) != Digest(of: [], algorithm: .sha512))
    #expect(Set([Digest(of: [1]), Digest(of: [1]), Digest(of: [2])]).count == 2)
  }
}

@Suite struct ContentHasherTests {
  @Test(arguments: [1, 7, 63, 64, 65, 1000, 5000])
  func `pieces of any size give the digest of the whole`(pieceSize: Int) {
    let content = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for algorithm in DigestAlgorithm.allCases {
      var hasher = ContentHasher(algorithm)
      for start in stride(from: 0, to: content.count, by: pieceSize) {
        hasher.update(content[start..<min(start + pieceSize, content.count)])
      }
      let digest = hasher.finalize()
      #expect(digest == Digest(of: content, algorithm: algorithm))
    }
  }

  @Test func `bytes that do not lie together count too`() {
    let content = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
    var hasher = ContentHasher()
    hasher.update(content.lazy.map { $0 })
    hasher.update([UInt8]())
    let digest = hasher.finalize()
    #expect(digest == Digest(of: content))
    #expect(Digest(of: content.lazy.map { $0 }) == digest)
  }

  @Test func `a copy goes its own way`() {
    var hasher = ContentHasher()
    hasher.update([1, 2])
    var copy = hasher.copy()
    copy.update([3])
    hasher.update([4])
    let (first, second) = (hasher.finalize(), copy.finalize())
    #expect(first == Digest(of: [1, 2, 4]))
    #expect(second == Digest(of: [1, 2, 3]))
  }
}

@Suite struct HexadecimalTests {
  @Test func `every byte survives`() {
    let bytes = Array(UInt8.min...UInt8.max)
    let text = Hexadecimal.encode(bytes)
    #expect(text.hasPrefix("000102"))
    #expect(text.hasSuffix("fdfeff"))
    #expect(Hexadecimal.decode(text) == bytes)
    #expect(Hexadecimal.decode("") == [])
  }

  @Test(arguments: ["0", "000", "0g", "AB", "aB", " 00", "0x00", "-1", "é0", "00\n"])
  func `anything but pairs of lower-case digits is refused`(text: String) {
    #expect(Hexadecimal.decode(text) == nil)
  }
}
