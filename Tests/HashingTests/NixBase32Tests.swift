import TestSupport
import Testing

@testable import Hashing

@Suite struct NixBase32Tests {
  @Test func `Nix's own vectors hold in both directions`() throws {
    let vectors = try NixVectors.load()
    #expect(vectors.encodings.count == 36)
    for vector in vectors.encodings {
      let bytes = try #require(Hexadecimal.decode(vector.hex))
      #expect(NixBase32.encode(bytes) == vector.base32, "\(vector.type) \(vector.hex)")
      #expect(NixBase32.decode(vector.base32) == bytes, "\(vector.base32)")
    }
  }

  @Test(arguments: [([], ""), ([0], "00"), ([1], "01"), ([31], "0z"), ([32], "10"), ([255], "7z")])
  func `few bytes are written most significant digit first`(bytes: [UInt8], text: String) {
    #expect(NixBase32.encode(bytes) == text)
    #expect(NixBase32.decode(text) == bytes)
  }

  @Test func `bytes of any number survive`() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 17) }
      #expect(NixBase32.decode(NixBase32.encode(bytes)) == bytes)
    }
  }

  @Test(arguments: [
    ("0", "one digit is less than a byte"), ("000", "three digits are more than one byte and less than two"),
    ("80", "the first digit has a bit beyond the byte"), ("zz", "the same in all bits"),
    ("0e", "e is left out"), ("0o", "o is left out"), ("0u", "u is left out"), ("0t", "t is left out"),
    ("0A", "capital letters are no digits"), ("0é", "nor are others"),
    ("g000000000000000000000000000000000000000000000000000", "52 digits with a bit beyond 32 bytes"),
  ])
  func `what Nix would not write is refused`(text: String, reason: String) {
    #expect(NixBase32.decode(text) == nil, "\(reason)")
  }
}
