import Testing

@testable import Registry

@Suite struct TOMLTests {
  private func parse(_ text: String) throws -> TOML { try TOML(parsing: Array(text.utf8)) }

  @Test(
    arguments: [
      ("", TOML.table([:])),
      ("# nothing\r\n\r\n\t# more\n", .table([:])),
      ("a=1", .table(["a": .integer(1)])),
      ("a = -17 # comment", .table(["a": .integer(-17)])),
      ("a = +0", .table(["a": .integer(0)])),
      ("a = true\nb = false\n", .table(["a": .boolean(true), "b": .boolean(false)])),
      ("a-b_1 = 'x'", .table(["a-b_1": .string("x")])),
      ("\"a b\" = \"#no comment\"", .table(["a b": .string("#no comment")])),
      ("'' = \"\"", .table(["": .string("")])),
      ("1 = 1", .table(["1": .integer(1)])),
      (#"a = "\b\t\n\f\r\"\\\u00e9\U0001F600""#, .table(["a": .string("\u{8}\t\n\u{C}\r\"\\é😀")])),
      (#"a = 'C:\new\"'"#, .table(["a": .string(#"C:\new\""#)])),
      ("a = []", .table(["a": .array([])])),
      (
        "a = [ # first\n 1, 'b',\n\n [true], # nested\n]",
        .table(["a": .array([.integer(1), .string("b"), .array([.boolean(true)])])])
      ),
      ("a = {}", .table(["a": .table([:])])),
      (
        "a = { b = 1, c.d = 'x' }",
        .table(["a": .table(["b": .integer(1), "c": .table(["d": .string("x")])])])
      ),
      ("a . b.\"c.d\" = 1", .table(["a": .table(["b": .table(["c.d": .integer(1)])])])),
      ("a.b = 1\na.c = 2", .table(["a": .table(["b": .integer(1), "c": .integer(2)])])),
      ("[ a . b ]\nc = 1", .table(["a": .table(["b": .table(["c": .integer(1)])])])),
      ("[a.b]\n[a]\nc = 1", .table(["a": .table(["b": .table([:]), "c": .integer(1)])])),
      ("[a]\nb.c = 1\n[a.b.d]", .table(["a": .table(["b": .table(["c": .integer(1), "d": .table([:])])])])),
      (
        "[[r]]\na = 1\n[[r.m]]\nb = 2\n[[r.m]]\n[[r]]\n[r.t]\nc = 3",
        .table([
          "r": .array([
            .table(["a": .integer(1), "m": .array([.table(["b": .integer(2)]), .table([:])])]),
            .table(["t": .table(["c": .integer(3)])]),
          ])
        ])
      ),
    ] as [(String, TOML)]) func `a document is read as TOML 1.0 says`(text: String, value: TOML) throws
  {
    #expect(try parse(text) == value)
  }

  @Test(
    arguments: [
      // What is not TOML.
      ("a", 1, 2, TOMLError.Reason.expected("\"=\" after a key")),
      ("= 1", 1, 1, .expected("a key")),
      ("a = ", 1, 5, .expected("a value")),
      ("a = \n1", 1, 5, .expected("a value")),
      ("a = 1 b = 2", 1, 7, .expected("the end of the line")),
      ("a = yes", 1, 5, .expected("a value; text goes in quotes")),
      ("a = True", 1, 5, .expected("a value; text goes in quotes")),
      ("x = 1\na = \"b", 2, 5, .expected("a closing quote")),
      ("a = \"b\nc\"", 1, 7, .expected("a closing quote")),
      ("a = 'b\u{1}'", 1, 7, .expected("a closing quote")),
      ("a = \"\\x41\"", 1, 6, .expected(#"one of the escapes \b \t \n \f \r \" \\ \u \U"#)),
      ("a = \"\\ud800\"", 1, 6, .expected("4 hexadecimal digits of a character")),
      ("a = \"\\u12\"", 1, 6, .expected("4 hexadecimal digits of a character")),
      ("a = \"\\U0011ffff\"", 1, 6, .expected("8 hexadecimal digits of a character")),
      ("a = [1 2]", 1, 8, .expected("\",\" or \"]\" in an array")),
      ("a = [,]", 1, 6, .expected("a value")),
      ("a = [1", 1, 7, .expected("\",\" or \"]\" in an array")),
      ("a = { b = 1, }", 1, 14, .expected("a key")),
      ("a = { b = 1\n}", 1, 12, .expected("\",\" or \"}\" in an inline table")),
      ("[a", 1, 3, .expected("\"]\"")),
      ("[[a]", 1, 5, .expected("\"]]\"")),
      ("[]", 1, 2, .expected("a key")),
      ("[a] b = 1", 1, 5, .expected("the end of the line")),
      ("a = 1\r", 1, 6, .expected("the end of the line")),
      ("# \u{1}", 1, 3, .expected("no control character in a comment")),
      ("é = 1", 1, 1, .expected("a key")),
      ("\u{FEFF}a = 1", 1, 1, .expected("a key")),
      ("a..b = 1", 1, 3, .expected("a key")),
      // TOML that is not read here.
      ("a = \"\"\"b\"\"\"", 1, 5, .unsupported("a string over several lines is")),
      ("a = '''b'''", 1, 5, .unsupported("a string over several lines is")),
      ("\"é\" = 1.5", 1, 7, .unsupported("1.5: numbers other than whole decimal ones, and dates, are")),
      ("a = 0x10", 1, 5, .unsupported("0x10: numbers other than whole decimal ones, and dates, are")),
      ("a = 1_000", 1, 5, .unsupported("1_000: numbers other than whole decimal ones, and dates, are")),
      ("a = 010", 1, 5, .unsupported("010: numbers other than whole decimal ones, and dates, are")),
      ("a = -inf", 1, 5, .unsupported("-inf: numbers other than whole decimal ones, and dates, are")),
      (
        "a = 1979-05-27T07:32:00Z", 1, 5,
        .unsupported("1979-05-27T07:32:00Z: numbers other than whole decimal ones, and dates, are")
      ),
      (
        "a = 9223372036854775808", 1, 5,
        .unsupported("9223372036854775808: numbers other than whole decimal ones, and dates, are")
      ),
      // Definitions that collide.
      ("a = 1\na = 2", 2, 1, .duplicate(key: "a")),
      ("a = 1\n\"a\" = 2", 2, 1, .duplicate(key: "a")),
      ("[a]\n[b]\n[a]", 3, 1, .duplicate(key: "a")),
      ("a.b = 1\n[a]", 2, 1, .duplicate(key: "a")),
      ("a = 1\na.b = 2", 2, 1, .notExtensible(key: "a")),
      ("a = {}\na.b = 2", 2, 1, .notExtensible(key: "a")),
      ("a = {}\n[a.b]", 2, 1, .notExtensible(key: "a")),
      ("a = []\n[[a]]", 2, 1, .notExtensible(key: "a")),
      ("[[a]]\n[a]", 2, 1, .duplicate(key: "a")),
      ("[a]\n[[a]]", 2, 1, .notExtensible(key: "a")),
      ("[a.b.c]\n[a]\nb.c.d = 1", 3, 1, .notExtensible(key: "b")),
      ("x = { a = 1, a = 2 }", 1, 14, .duplicate(key: "a")),
    ] as [(String, Int, Int, TOMLError.Reason)]) func `a fault is refused with its place`(
      text: String, line: Int, column: Int, reason: TOMLError.Reason
    )
  {
    #expect(throws: TOMLError(reason: reason, line: line, column: column)) { try parse(text) }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(throws: TOMLError(reason: .notUTF8, line: 1, column: 1)) {
      try TOML(parsing: [0x61, 0x3D, 0xFF])
    }
  }

  @Test func `nesting is limited`() throws {
    let deep = { (count: Int) in
      "a = " + String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    _ = try parse(deep(30))
    #expect(throws: TOMLError.self) { try parse(deep(100_000)) }
  }

  @Test func `every beginning of a document is read or refused, never trapped on`() {
    let text = "[[registry]] # c\nprefix = \"\\u00e9*.x\"\r\nm = [ {a.b = 'c', d = -1}, true ]\n[a.\"b c\"]\n"
    let bytes = Array(text.utf8)
    for count in 0...bytes.count { _ = try? TOML(parsing: Array(bytes[..<count])) }
    #expect(throws: Never.self) { try TOML(parsing: bytes) }
  }

  @Test func `an error names line and column`() {
    let error = TOMLError(reason: .unsupported("a string over several lines is"), line: 3, column: 9)
    #expect(error.description == "line 3, column 9: a string over several lines is not supported here")
  }
}
