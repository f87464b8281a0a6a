import Testing

@testable import OrderedJSON

private func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
  try JSONValue(parsing: text.utf8, limits: limits)
}

private func text(_ value: JSONValue, _ style: JSONStyle = .compact) -> String {
  String(decoding: value.serialized(style), as: UTF8.self)
}

@Suite struct JSONValueTests {
  @Test(arguments: [
    "{}", "[]", "null", "true", "false", "0", "-7", #""""#,
    #"{"z":1,"a":{"y":[true,false,null],"b":"é"},"m":-5}"#,
    "[9223372036854775807,-9223372036854775808]", "[[],{},[{}]]", #"{"":{"":""}}"#, #"["/","\"\\"]"#,
    #"["\b\t\n\f\r\u0000\u001f","😀","\#u{7F}"]"#, "[0.5,-1.25,1e+300]",
  ])
  func `a document without white space is written as it was read`(document: String) throws {
    #expect(try text(parse(document)) == document)
  }

  @Test func `white space and escapes are not kept`() throws {
    let document = "\n{ \"a\" : [ 1 ,\t\"\\u0041\\/\\ud83d\\ude00\" ] }\r\n"
    #expect(try text(parse(document)) == #"{"a":[1,"A/😀"]}"#)
  }

  @Test func `members keep their order, however many there are`() throws {
    let names = (0..<500).map { "n\(($0 * 7919) % 500)" }
    let document = "{" + names.map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",") + "}"
    let value = try parse(document)
    #expect(value.object?.names == names)
    #expect(text(value) == document)
    for name in names { #expect(value[name]?.string == name) }
    #expect(value["n500"] == nil)
  }

  @Test func `reals lose their spelling but not their value`() throws {
    #expect(try text(parse("[1.10,1.0,1E2,-0.0]")) == "[1.1,1.0,100.0,-0.0]")
  }

  @Test func `what is in a value is found by its kind`() throws {
    let value = try parse(#"{"s":"x","i":-3,"r":1.5,"b":true,"n":null,"a":[1,2],"o":{"k":"v"}}"#)
    #expect(value["s"]?.string == "x")
    #expect(value["i"]?.int == -3)
    #expect(value["r"]?.int == nil)
    #expect(value["b"]?.bool == true)
    #expect(value["n"]?.isNull == true)
    #expect(value["a"]?.array == [1, 2])
    #expect(value["o"]?["k"]?.string == "v")
    #expect(value["missing"] == nil)
    #expect(value["s"]?.int == nil)
    #expect(value["i"]?.string == nil)
    #expect(value["i"]?.bool == nil)
    #expect(value["o"]?.array == nil)
    #expect(value["a"]?.object == nil)
    #expect(value["a"]?["k"] == nil)
  }

  @Test func `each kind has a name for messages`() throws {
    let value = try parse(#"[null,true,1,"",[],{}]"#)
    let names = try #require(value.array).map(\.kindName)
    #expect(names == ["null", "a truth value", "a number", "a string", "a list", "an object"])
  }

  @Test func `order and spelling count for equality`() throws {
    #expect(try parse(#"{"a":1,"b":2}"#) == parse(#"{ "a": 1, "b": 2 }"#))
    #expect(try parse(#"{"a":1,"b":2}"#) != parse(#"{"b":2,"a":1}"#))
    #expect(try parse(#"{"a":1}"#).hashValue == parse(#"{"a":1}"#).hashValue)
    #expect(try parse("[1]") != parse("[1.0]"))
  }

  @Test func `literals make values`() throws {
    let value: JSONValue = ["b": 1, "a": [true, "x", .null], "o": [:], "l": []]
    #expect(text(value) == #"{"b":1,"a":[true,"x",null],"o":{},"l":[]}"#)
    let repeated: JSONValue = ["a": 1, "b": 2, "a": 3]
    #expect(text(repeated) == #"{"a":3,"b":2}"#)
    #expect(JSONValue.integer(UInt64.max) == .number("18446744073709551615"))
  }

  @Test func `the indented style has one line for each member`() throws {
    let value = try parse(#"{"a":[1,{"b":null}],"c":{},"d":[]}"#)
    let expected = """
      {
        "a": [
          1,
          {
            "b": null
          }
        ],
        "c": {},
        "d": []
      }
      """
    #expect(text(value, .indented(by: 2)) == expected)
    #expect(try parse(text(value, .indented(by: 3))) == value)
    #expect(text("x", .indented(by: 2)) == #""x""#)
  }

  @Test func `every control character is escaped and read back`() throws {
    let all = String(String.UnicodeScalarView((0..<0x20).map { Unicode.Scalar(UInt8($0)) }))
    let written = JSONValue.string(all).serialized()
    #expect(written.allSatisfy { $0 >= 0x20 })
    #expect(try JSONValue(parsing: written) == .string(all))
  }
}

@Suite struct JSONRefusalTests {
  @Test(arguments: [
    ("", "nothing"), (" \n", "only white space"), ("{", "an open object"), ("[1,", "an open list"),
    ("[1,]", "a comma too much"), (#"{"a":1,}"#, "the same in an object"), ("01", "a leading zero"),
    ("-", "a sign alone"), ("+1", "a plus sign"), ("1.", "no digit after the point"),
    (".5", "none before it"),
    ("1e", "no exponent"), ("tru", "half a word"), ("nulls", "more than a word"), ("[1 2]", "no comma"),
    (#"{"a" 1}"#, "no colon"), ("{a:1}", "a bare name"), ("{1:1}", "a number as name"),
    ("'a'", "other quotes"),
    ("\"a\u{1}\"", "a control character"), ("\"a\nb\"", "a line break in a string"),
    (#""\x""#, "no such escape"),
    (#""\u12""#, "too few digits"), (#""\ud800""#, "a lone surrogate"),
    (#""\udc00\ud800""#, "a pair reversed"),
    ("{} {}", "a second document"), ("[]x", "trailing bytes"), ("[1]\0", "a trailing NUL"),
    ("9223372036854775808", "an integer beyond 64 bits"), ("1e400", "a real beyond a double"),
    ("/* */ 1", "a comment"), ("NaN", "no number"), (#"{"a\u0000":1}"#, "NUL in a name"),
    ("\u{FEFF}{}", "a byte order mark"),
  ])
  func `what is not JSON, or cannot be represented, is refused`(document: String, reason: String) {
    #expect("\(reason)") {
      try parse(document)
    } throws: {
      if case JSONError.syntax = $0 { true } else { false }
    }
  }

  @Test(arguments: [
    [0x22, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xFF, 0x22],
  ])
  func `text that is not UTF-8 is refused`(document: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: document) }
  }

  @Test(arguments: [
    (#"{"a":1,"a":1}"#, "at the top"), (#"{"x":[{"a":1,"b":2,"a":3}]}"#, "inside"),
    (#"{"a":1,"\u0061":2}"#, "behind an escape"),
  ])
  func `repeated names are refused as such`(document: String, reason: String) {
    #expect("\(reason)") {
      try parse(document)
    } throws: {
      if case JSONError.duplicateMember = $0 { true } else { false }
    }
  }

  @Test func `names that only look alike are two names`() throws {
    let value = try parse("{\"K\":1,\"\u{212A}\":2}")
    #expect(value.object?.count == 2)
    #expect(value["K"]?.int == 1)
    #expect(value["\u{212A}"]?.int == 2)
  }

  @Test func `the depth is limited before anything recurses`() throws {
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(throws: Never.self) { try parse(deep) }
    #expect(throws: JSONError.tooDeep(limit: 100, offset: 100)) { try parse("[" + deep + "]") }
    let objects = String(repeating: #"{"a":"#, count: 101) + "1" + String(repeating: "}", count: 101)
    #expect(throws: JSONError.tooDeep(limit: 100, offset: 500)) { try parse(objects) }
    #expect(throws: JSONError.tooDeep(limit: 100, offset: 100)) {
      try parse(String(repeating: "[", count: 5_000_000))
    }
    #expect(throws: JSONError.tooDeep(limit: 2, offset: 2)) {
      try parse("[[[]]]", limits: JSONLimits(depth: 2))
    }
  }

  @Test func `brackets in strings and siblings do not count as depth`() throws {
    let brackets = String(repeating: "[{", count: 200)
    let document = #"["\#(brackets)\"[\\",\#(Array(repeating: "[]", count: 200).joined(separator: ","))]"#
    #expect(try parse(document).array?.count == 201)
  }

  @Test func `the length is limited`() throws {
    #expect(throws: JSONError.tooLarge(byteCount: 4, limit: 3)) {
      try parse("[12]", limits: JSONLimits(byteCount: 3))
    }
    #expect(try parse("[1]", limits: JSONLimits(byteCount: 3)) == [1])
    #expect(JSONLimits.manifest == JSONLimits(byteCount: 4_194_304, depth: 100))
  }

  @Test func `messages say where and what`() {
    #expect(throws: JSONError.syntax("the document is empty", offset: 0)) { try parse("") }
    let error = #expect(throws: JSONError.self) { try parse(#"{"a":1,"a":2}"#) }
    #expect(error?.description.contains("\"a\"") == true)
    let other = #expect(throws: JSONError.self) { try parse("[1,2,x]") }
    #expect(other?.description.hasPrefix("not valid JSON at byte 6: ") == true)
    #expect(JSONError.tooDeep(limit: 3, offset: 9).description.contains("3 levels at byte 9"))
    #expect(JSONError.tooLarge(byteCount: 9, limit: 3).description.contains("9 bytes; at most 3"))
  }
}
