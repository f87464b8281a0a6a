import Foundation
import Testing

@testable import Hashing

@Suite struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `the examples of RFC 4648 hold in both directions`(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
  }

  @Test func `every byte at every place agrees with Foundation`() {
    for count in [1, 2, 3, 4] {
      for byte in UInt8.min...UInt8.max {
        let bytes = [UInt8](repeating: byte, count: count)
        #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
        #expect(Base64.decode(Data(bytes).base64EncodedString()) == bytes)
      }
    }
  }

  @Test(arguments: [
    ("Zg", "no padding"), ("Zg=", "half of the padding"), ("Zg===", "too much padding"),
    ("=", "padding alone"), ("====", "padding alone, in fours"), ("Z===", "three pads"),
    ("Zh==", "left-over bits"), ("Zm9=", "left-over bits of the longer rest"), ("Zm9v\n", "a line break"),
    ("Zm 9", "a blank"), ("Zg==Zg==", "padding in the middle"), ("Zm-_", "the alphabet for URLs"),
    ("Zmé=", "a letter outside of ASCII"),
  ])
  func `anything but the one spelling is refused`(text: String, reason: String) {
    #expect(Base64.decode(text) == nil, "\(reason)")
  }
}
