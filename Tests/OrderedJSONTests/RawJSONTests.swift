import Testing

@testable import OrderedJSON

private func raw(_ text: String) throws(JSONError) -> RawJSON { try RawJSON(Array(text.utf8)) }

private func string(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// A document, whether Go's rules and whether jansson's take it, and why.
struct Verdict: Sendable, CustomTestStringConvertible {
  let document: [UInt8]
  let go: Bool
  let jansson: Bool
  let reason: String

  init(_ document: String, go: Bool, jansson: Bool, _ reason: String) {
    self.init(Array(document.utf8), go: go, jansson: jansson, reason)
  }

  init(_ document: [UInt8], go: Bool, jansson: Bool, _ reason: String) {
    self.document = document
    self.go = go
    self.jansson = jansson
    self.reason = reason
  }

  var testDescription: String { "\(reason): \(string(document.prefix(40)))" }
}

@Suite struct RawJSONGrammarTests {
  static let verdicts = [
    Verdict("9223372036854775808", go: true, jansson: false, "an integer beyond 64 bits"),
    Verdict("[123456789012345678901234567890]", go: true, jansson: false, "thirty digits"),
    Verdict("1e400", go: true, jansson: false, "a real beyond a double"),
    Verdict(#""\ud800""#, go: true, jansson: false, "a lone high surrogate"),
    Verdict(#""\udc00x""#, go: true, jansson: false, "a lone low surrogate"),
    Verdict([0x22, 0xFF, 0x22], go: true, jansson: false, "a byte that is never UTF-8"),
    Verdict([0x22, 0xED, 0xA0, 0x80, 0x22], go: true, jansson: false, "a surrogate in UTF-8"),
    Verdict([0x22, 0xC3, 0x22], go: true, jansson: false, "half a character"),
    Verdict(#"{"a":1,"a":2}"#, go: true, jansson: false, "a repeated name"),
    Verdict(#"{"a\u0000":1}"#, go: true, jansson: false, "NUL in a name"),
    Verdict(
      String(repeating: "[", count: 101) + String(repeating: "]", count: 101), go: true, jansson: false,
      "101 levels"),
    Verdict(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n", go: true, jansson: true, "white space everywhere"),
    Verdict(#"["\"\\\/\b\f\n\r\t\u00e9"]"#, go: true, jansson: true, "all escapes"),
    Verdict("[-0,0,-1.5e-3,1E+2,0.0]", go: true, jansson: true, "numbers"),
    Verdict("\"\u{7F}\"", go: true, jansson: true, "delete is no control character here"),
    Verdict("{}", go: true, jansson: true, "an empty object"),
    Verdict("[ ]", go: true, jansson: true, "an empty list with a blank"),
    Verdict("null", go: true, jansson: true, "a word"),
    Verdict("01", go: false, jansson: false, "a leading zero"),
    Verdict("-01", go: false, jansson: false, "the same after a sign"),
    Verdict("-", go: false, jansson: false, "a sign alone"),
    Verdict("+1", go: false, jansson: false, "a plus sign"),
    Verdict("1.", go: false, jansson: false, "no digits after the point"),
    Verdict(".5", go: false, jansson: false, "no digits before it"),
    Verdict("1e", go: false, jansson: false, "no exponent"),
    Verdict("1e+", go: false, jansson: false, "only its sign"),
    Verdict("0x10", go: false, jansson: false, "another base"),
    Verdict("[1,]", go: false, jansson: false, "a trailing comma in a list"),
    Verdict(#"{"a":1,}"#, go: false, jansson: false, "a trailing comma in an object"),
    Verdict("[,1]", go: false, jansson: false, "a leading comma"),
    Verdict("{,}", go: false, jansson: false, "nothing but a comma"),
    Verdict("[1 2]", go: false, jansson: false, "no comma"),
    Verdict("\"a\tb\"", go: false, jansson: false, "a tab in a string"),
    Verdict("\"a\u{0}b\"", go: false, jansson: false, "NUL in a string"),
    Verdict("{\"a\u{1F}\":1}", go: false, jansson: false, "a control character in a name"),
    Verdict("{} x", go: false, jansson: false, "trailing bytes"),
    Verdict("{}{}", go: false, jansson: false, "a second document"),
    Verdict("1 1", go: false, jansson: false, "a second number"),
    Verdict("", go: false, jansson: false, "nothing"),
    Verdict("  ", go: false, jansson: false, "only blanks"),
    Verdict("[", go: false, jansson: false, "an open list"),
    Verdict("{", go: false, jansson: false, "an open object"),
    Verdict(#"{"a""#, go: false, jansson: false, "a name alone"),
    Verdict(#"{"a":"#, go: false, jansson: false, "no value"),
    Verdict(#"{"a":1"#, go: false, jansson: false, "an object that does not end"),
    Verdict(#"{"a":1]"#, go: false, jansson: false, "the wrong bracket"),
    Verdict("[1}", go: false, jansson: false, "the other wrong bracket"),
    Verdict("]", go: false, jansson: false, "a bracket that closes nothing"),
    Verdict(#""abc"#, go: false, jansson: false, "a string that does not end"),
    Verdict(#""abc\"#, go: false, jansson: false, "a string that ends in an escape"),
    Verdict(#""\u12g4""#, go: false, jansson: false, "no hexadecimal digit"),
    Verdict(#""\u12"#, go: false, jansson: false, "the end among the digits"),
    Verdict(#""\'""#, go: false, jansson: false, "no such escape"),
    Verdict("tru", go: false, jansson: false, "half a word"),
    Verdict("True", go: false, jansson: false, "a capital letter"),
    Verdict("nullx", go: false, jansson: false, "more than a word"),
    Verdict("{a:1}", go: false, jansson: false, "a bare name"),
    Verdict("{1:1}", go: false, jansson: false, "a number as name"),
    Verdict("{\"a\" 1}", go: false, jansson: false, "no colon"),
    Verdict("[\u{A0}1]", go: false, jansson: false, "a blank that is none in JSON"),
    Verdict("\u{C}[]", go: false, jansson: false, "a form feed"),
    Verdict("\u{FEFF}[]", go: false, jansson: false, "a byte order mark"),
    Verdict("[1]//", go: false, jansson: false, "a comment"),
  ]

  @Test(arguments: verdicts)
  func `documents are accepted by Go's rules and by jansson's`(verdict: Verdict) {
    #expect(((try? RawJSON(verdict.document)) != nil) == verdict.go, "Go")
    #expect(((try? JSONValue(parsing: verdict.document)) != nil) == verdict.jansson, "jansson")
  }

  @Test func `ten thousand levels are accepted, one more is not`() throws {
    let open = String(repeating: "[", count: 10_000)
    let close = String(repeating: "]", count: 10_000)
    #expect(throws: Never.self) { try raw(open + close) }
    #expect(throws: JSONError.tooDeep(limit: 10_000, offset: 10_000)) { try raw(open + "[]" + close) }
    #expect(throws: JSONError.self) { try raw(String(repeating: "[", count: 3_000_000)) }
    let objects = String(repeating: #"{"a":"#, count: 10_000) + "1" + String(repeating: "}", count: 10_000)
    #expect(try raw(objects).members.count == 1)
  }

  /// Cutting or changing a document at any byte must give a verdict, and the same one as jansson where both
  /// can read it.
  @Test func `damaged documents never trap`() throws {
    let document = Array(#" {"a":[1,-2.5e3,true,null,"x\u0041\n"],"b":{"c":{}},"":"é"} "#.utf8)
    for end in 0..<document.count - 1 {
      #expect(throws: JSONError.self, "cut at \(end)") { try RawJSON(Array(document[..<end])) }
    }
    for position in document.indices {
      for byte: UInt8 in [0, 0x20, 0x22, 0x2C, 0x2D, 0x30, 0x3A, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x80] {
        var changed = document
        changed[position] = byte
        if (try? JSONValue(parsing: changed)) != nil {
          #expect(throws: Never.self, "\(position): \(byte)") { try RawJSON(changed) }
        }
      }
    }
  }

  @Test func `errors say where`() {
    #expect(throws: JSONError.syntax("a digit is expected", offset: 2)) { try raw("[-]") }
    #expect(throws: JSONError.syntax("the name of a member is expected", offset: 7)) { try raw(#"{"a":1,}"#) }
    #expect(throws: JSONError.syntax("something follows the end of the document", offset: 3)) {
      try raw("{} x")
    }
  }
}

@Suite struct RawJSONMemberTests {
  @Test func `members are in order, with the exact text of their values`() throws {
    let document = try raw(
      "\n { \"b\" : [ 1.10 , {\"x\":{}} ] ,\"a\":-0\t,\"\":{ } , \"t\" : \"q\\\"}\", \"n\":null }  ")
    #expect(document.kind == .object)
    #expect(document.members.map { string($0.name) } == ["b", "a", "", "t", "n"])
    #expect(
      document.members.map { string(document.text(of: $0)) }
        == [#"[ 1.10 , {"x":{}} ]"#, "-0", "{ }", #""q\"}""#, "null"])
    #expect(string(document.bytes[document.range]).hasPrefix("{"))
    #expect(string(document.bytes[document.range]).hasSuffix("}"))
  }

  @Test func `only the outermost object has members`() throws {
    #expect(try raw(#"{"a":{"b":{"c":1}},"d":[{"e":1}]}"#).members.count == 2)
    #expect(try raw(#"[{"a":1}]"#).members.isEmpty)
    #expect(try raw("{}").members.isEmpty)
  }

  @Test(arguments: [
    ("{}", RawJSON.Kind.object), ("[1]", .array), (#""x""#, .string), ("-1", .number), (" 5 ", .number),
    ("true", .bool), ("false", .bool), ("null", .null),
  ])
  func `the kind is known`(text: String, kind: RawJSON.Kind) throws {
    #expect(try raw(text).kind == kind)
  }

  @Test func `repeated names are kept, and the last one counts`() throws {
    let document = try raw(#"{"os":1,"\u006fs":2,"OS":3}"#)
    #expect(document.members.map { string($0.name) } == ["os", "os", "OS"])
    #expect(document["os"].map { string(document.text(of: $0)) } == "2")
    #expect(document["missing"] == nil)
  }

  @Test(arguments: [
    (#"\u0041\u00e9\u20ac"#, "Aé€", "escapes of one, two and three bytes"),
    (#"\ud83d\ude00"#, "😀", "a pair"), (#"\uD83D\uDE00"#, "😀", "with capital digits"),
    (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t", "the short ones"),
    (#"\ud800"#, "\u{FFFD}", "a lone high surrogate"), (#"\udc00"#, "\u{FFFD}", "a lone low one"),
    (#"\ud800\u0041"#, "\u{FFFD}A", "a high one before a letter"),
    (#"\ud800\ud83d\ude00"#, "\u{FFFD}😀", "a high one before a pair"),
    (#"\ud800x"#, "\u{FFFD}x", "a high one before plain text"), ("é😀", "é😀", "plain text"),
    (#"a\u0000b"#, "a\0b", "NUL"),
  ])
  func `names are unescaped as Go does it`(text: String, name: String, reason: String) throws {
    let document = try raw("{\"\(text)\":1}")
    #expect(document.members.first.map { $0.name } == Array(name.utf8), "\(reason)")
  }

  @Test(
    arguments: [
      ([0xFF], 1), ([0xC3], 1), ([0xE2, 0x82], 2), ([0xED, 0xA0, 0x80], 3), ([0xF0, 0x9F, 0x98], 3),
      ([0xC0, 0x80], 2),
    ] as [([UInt8], Int)])
  func `each byte that is not UTF-8 becomes one replacement character`(bytes: [UInt8], count: Int) throws {
    let document = try RawJSON([0x7B, 0x22] + bytes + [0x61, 0x22, 0x3A, 0x31, 0x7D])
    let expected = String(repeating: "\u{FFFD}", count: count) + "a"
    #expect(document.members.first.map { $0.name } == Array(expected.utf8))
  }
}

@Suite struct RawJSONCompactTests {
  @Test(arguments: [
    ("{ \"b\" : [ 1 , 2 ] ,\n\t\"a\":\r{ } }", #"{"b":[1,2],"a":{}}"#, "white space outside strings goes"),
    (#"[" a  b "," "]"#, #"[" a  b "," "]"#, "white space inside stays"),
    (#"["\" x","\\", " y"]"#, #"["\" x","\\"," y"]"#, "escaped quotation marks do not end a string"),
    (#"["<a>&"]"#, #"["\u003ca\u003e\u0026"]"#, "three characters are escaped"),
    (#"{"<":1}"#, #"{"\u003c":1}"#, "in names too"),
    ("[\"\u{2028}\u{2029}\"]", #"["\u2028\u2029"]"#, "so are two line separators"),
    ("[\"\u{2027}\u{202A}\u{20A8}é😀\"]", "[\"\u{2027}\u{202A}\u{20A8}é😀\"]", "their neighbours are not"),
    (#"["\u00e9\/\u003C\ud800"]"#, #"["\u00e9\/\u003C\ud800"]"#, "escapes stay as they are"),
    (
      "[1e3,-0,1.10,123456789012345678901234567890]", "[1e3,-0,1.10,123456789012345678901234567890]",
      "numbers too"
    ),
    (#"{"a":1,"a":2}"#, #"{"a":1,"a":2}"#, "and repeated names"),
  ])
  func `the text is changed no more than Go changes it`(text: String, compact: String, reason: String) throws
  {
    #expect(string(try raw(text).compact()) == compact, "\(reason)")
  }

  @Test func `bytes that are not UTF-8 pass, also at the end of the text`() throws {
    let bytes: [UInt8] = [0x22, 0xFF, 0xE2, 0x80, 0x22]
    let document = try RawJSON([0x5B, 0x20] + bytes + [0x5D])
    #expect(document.compact() == [0x5B] + bytes + [0x5D])
  }

  @Test func `the value of one member can be compacted`() throws {
    let document = try raw(#"{"a": [ 1, "<" ] , "b": 2}"#)
    let member = try #require(document["a"])
    #expect(string(document.compact(member.value)) == #"[1,"\u003c"]"#)
  }
}

@Suite struct RawJSONChangeTests {
  @Test func `a changed member leaves every other byte alone`() throws {
    let document = try raw("{ \"a\": 1.10 ,\n \"b\":[ 2 ],\"big\":123456789012345678901234567890 }\n")
    let changed = try document.setting("b", to: ["x", .null])
    #expect(
      string(changed.bytes)
        == "{ \"a\": 1.10 ,\n \"b\":[\"x\",null],\"big\":123456789012345678901234567890 }\n")
  }

  @Test(arguments: [
    ("{}", #"{"n":1}"#), ("{ }", #"{ "n":1}"#), (#"{"a":1}"#, #"{"a":1,"n":1}"#),
    ("{\"a\":1 \n} ", "{\"a\":1,\"n\":1 \n} "),
  ])
  func `a new member comes last`(text: String, expected: String) throws {
    #expect(string(try raw(text).setting("n", to: 1).bytes) == expected)
  }

  @Test func `of repeated members the one that counts is changed`() throws {
    let changed = try raw(#"{"a":1,"\u0061":2}"#).setting("a", to: 3)
    #expect(string(changed.bytes) == #"{"a":1,"\u0061":3}"#)
  }

  @Test func `raw text is put in as it is, if it is JSON`() throws {
    let document = try raw(#"{"a":1}"#)
    #expect(string(try document.setting("a", toText: Array("1.10".utf8)).bytes) == #"{"a":1.10}"#)
    #expect(throws: JSONError.self) { try document.setting("a", toText: Array("1.".utf8)) }
  }

  @Test func `names are escaped where needed`() throws {
    let changed = try raw("{}").setting("a\"b\n", to: true)
    #expect(string(changed.bytes) == #"{"a\"b\n":true}"#)
    #expect(changed["a\"b\n"] != nil)
  }
}

/// Members taken out of a document.
@Suite struct RawJSONRemovalTests {
  @Test(arguments: [
    (#"{"a":1,"b":2,"c":3}"#, "b", #"{"a":1,"c":3}"#),
    (#"{"a":1,"b":2}"#, "a", #"{"b":2}"#),
    (#"{ "a" : 1 , "b" : 2 }"#, "b", #"{ "a" : 1 }"#),
    (#"{ "a" : 1 , "b" : 2 }"#, "a", #"{ "b" : 2 }"#),
    (#"{ "a" : [1, 2] }"#, "a", #"{ }"#),
    (#"{"a":1}"#, "A", #"{"a":1}"#),
    // Go takes the last of equal names, so none may be left.
    (#"{"a":1,"b":2,"a":3}"#, "a", #"{"b":2}"#),
    (#"{"a":1.10,"x":"},{","b":{"x":1}}"#, "x", #"{"a":1.10,"b":{"x":1}}"#),
  ])
  func `a member goes, and all other bytes stay`(before: String, name: String, after: String) throws {
    let result = try RawJSON(Array(before.utf8)).removing(name)
    #expect(String(decoding: result.bytes, as: UTF8.self) == after)
  }
}
