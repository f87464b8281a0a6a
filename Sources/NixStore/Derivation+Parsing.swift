extension Derivation {
  /// Reads the text of a `.drv` file: an ATerm, `Derive([…],…)`, as Nix writes it, without white space.
  ///
  /// - Throws: `DerivationError` for everything that Nix would not write.
  public init(
    parsing bytes: some Sequence<UInt8>, storeDirectory: String = StorePath.defaultStoreDirectory
  ) throws(DerivationError) {
    var text = DerivationText(Array(bytes), storeDirectory: storeDirectory)
    try text.start()
    outputs = try text.sorted(by: \.name) { (text) throws(DerivationError) in try text.output() }
    try text.expect(",")
    inputDerivations = try text.sorted(by: \.derivation.description) { (text) throws(DerivationError) in
      try text.input()
    }
    try text.expect(",")
    inputSources = try text.sorted(by: \.description) { (text) throws(DerivationError) in
      try text.path("the path of a source")
    }
    try text.expect(",")
    system = try text.string("the name of a system")
    try text.expect(",")
    builder = try text.string("a builder")
    try text.expect(",")
    arguments = try text.list { (text) throws(DerivationError) in try text.string("an argument") }
    try text.expect(",")
    let variables = try text.sorted(by: \.name) { (text) throws(DerivationError) in try text.variable() }
    writtenEnvironment = Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.value) })
    try text.expect(")")
    try text.finish()
  }
}

/// The text of a derivation while it is read; nothing in it is nested more than three deep.
private struct DerivationText {
  private let bytes: [UInt8]
  private let storeDirectory: String
  private var position = 0

  private static let quote = UInt8(ascii: "\"")
  private static let backslash = UInt8(ascii: "\\")

  init(_ bytes: [UInt8], storeDirectory: String) {
    (self.bytes, self.storeDirectory) = (bytes, storeDirectory)
  }

  // MARK: Parts

  mutating func start() throws(DerivationError) {
    let form = bytes.prefix { $0 != UInt8(ascii: "(") }
    if form.elementsEqual("DrvWithVersion".utf8) { throw .newerForm("DrvWithVersion") }
    for character in "Derive(" { try expect(character, "“Derive(”, with which a .drv file begins") }
  }

  func finish() throws(DerivationError) {
    if position < bytes.count { throw unexpected("the end") }
  }

  mutating func output() throws(DerivationError) -> Derivation.Output {
    try expect("(")
    let name = try outputName()
    try expect(",")
    let start = position
    let path = try string("a store path or an empty string")
    try expect(",")
    let algorithm = try string("a hash algorithm or an empty string")
    try expect(",")
    let hash = try string("a hash or an empty string")
    try expect(")")
    return Derivation.Output(
      name: name, path: path.isEmpty ? nil : try storePath(path, at: start), hashAlgorithm: algorithm,
      hash: hash)
  }

  mutating func input() throws(DerivationError) -> Derivation.Input {
    try expect("(")
    let start = position
    let derivation = try path("the path of a .drv file")
    guard derivation.name.hasSuffix(".drv") else {
      throw .unexpected(offset: start, expected: "the path of a .drv file", found: "“\(derivation)”")
    }
    try expect(",")
    let outputs = try sorted(by: \.self) { (text) throws(DerivationError) in try text.outputName() }
    try expect(")")
    return Derivation.Input(derivation: derivation, outputs: outputs)
  }

  mutating func variable() throws(DerivationError) -> (name: String, value: String) {
    try expect("(")
    let name = try string("the name of a variable")
    try expect(",")
    let value = try string("the value of a variable")
    try expect(")")
    return (name, value)
  }

  /// The name of an output, which becomes part of a store path's.
  private mutating func outputName() throws(DerivationError) -> String {
    let start = position
    let name = try string("the name of an output")
    guard !name.isEmpty, name.utf8.allSatisfy(StorePath.isNameCharacter) else {
      throw .unexpected(offset: start, expected: "the name of an output", found: "“\(name.prefix(40))”")
    }
    return name
  }

  mutating func path(_ expected: String) throws(DerivationError) -> StorePath {
    let start = position
    return try storePath(try string(expected), at: start)
  }

  private func storePath(_ text: String, at offset: Int) throws(DerivationError) -> StorePath {
    do { return try StorePath(parsing: text, storeDirectory: storeDirectory) } catch {
      throw .path(offset: offset, error)
    }
  }

  // MARK: Terms

  mutating func list<Element>(
    _ element: (inout Self) throws(DerivationError) -> Element
  ) throws(DerivationError) -> [Element] {
    try expect("[")
    var elements: [Element] = []
    if skip("]") { return elements }
    repeat { elements.append(try element(&self)) } while skip(",")
    try expect("]", "“,” or “]”")
    return elements
  }

  /// A list whose elements' names are in order of their bytes, each once.
  mutating func sorted<Element>(
    by name: (Element) -> String, _ element: (inout Self) throws(DerivationError) -> Element
  ) throws(DerivationError) -> [Element] {
    var previous: String?
    return try list { (text) throws(DerivationError) in
      let start = text.position
      let next = try element(&text)
      let own = name(next)
      if let previous, !previous.utf8.lexicographicallyPrecedes(own.utf8) {
        throw .order(offset: start, name: own, previous: previous)
      }
      previous = own
      return next
    }
  }

  mutating func string(_ expected: String) throws(DerivationError) -> String {
    let start = position
    try expect("\"", expected)
    var content: [UInt8] = []
    while true {
      let rest = bytes[position...]
      guard let end = rest.firstIndex(where: { $0 == Self.quote || $0 == Self.backslash }) else {
        position = bytes.count
        throw unexpected("“\"”, the end of the string at byte \(start)")
      }
      content += bytes[position..<end]
      position = end + 1
      if bytes[end] == Self.quote { break }
      content.append(try escaped())
    }
    guard let text = String(validating: content, as: UTF8.self), !content.contains(0) else {
      throw .text(offset: start)
    }
    return text
  }

  private mutating func escaped() throws(DerivationError) -> UInt8 {
    let escapes: [UInt8: Character] = [
      Self.quote: "\"", Self.backslash: "\\", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r",
      UInt8(ascii: "t"): "\t",
    ]
    guard position < bytes.count, let character = escapes[bytes[position]]?.asciiValue else {
      throw unexpected("one of the escapes \\\" \\\\ \\n \\r \\t")
    }
    position += 1
    return character
  }

  private mutating func skip(_ character: Character) -> Bool {
    guard position < bytes.count, bytes[position] == character.asciiValue else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Character, _ expected: String? = nil) throws(DerivationError) {
    guard skip(character) else { throw unexpected(expected ?? "“\(character)”") }
  }

  private func unexpected(_ expected: String) -> DerivationError {
    let found =
      if position >= bytes.count {
        "the end"
      } else if (0x21...0x7E).contains(bytes[position]) {
        "“\(Character(UnicodeScalar(bytes[position])))”"
      } else {
        "a byte of \(bytes[position])"
      }
    return .unexpected(offset: position, expected: expected, found: found)
  }
}
