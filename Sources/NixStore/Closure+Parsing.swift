import Hashing

extension Closure {
  /// Reads a reference graph in any shape that Nix writes it in (nix-integration.md, section 4): the text and
  /// the JSON of `exportReferencesGraph`, the text of `nix-store --dump-db`, the JSON of `nix path-info`.
  ///
  /// An empty text is the closure of nothing.
  public init(parsing bytes: some Collection<UInt8>) throws(ClosureError) {
    let first = bytes.first { !" \t\r\n".utf8.contains($0) }
    if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
      try self.init(placed: ClosureDocument.nodes(parsing: bytes))
    } else {
      var text = ClosureText(bytes)
      try self.init(placed: text.nodes())
    }
  }
}

/// A reference graph as lines.
private struct ClosureText {
  private let lines: [Substring]
  private var position = 0
  private var paths = StorePathReader()
  /// With hashes, as `--dump-db` prints it; the graph of a build has none.
  private var isRegistration = false

  init(_ bytes: some Collection<UInt8>) {
    var lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    self.lines = lines
  }

  private var place: String { "line \(position)" }

  mutating func nodes() throws(ClosureError) -> [(place: String, node: ClosureNode)] {
    // The second line is a hash, or a deriver.
    if let second = lines.dropFirst().first { isRegistration = !second.isEmpty && !second.hasPrefix("/") }
    var nodes: [(place: String, node: ClosureNode)] = []
    while position < lines.count { nodes.append(try node()) }
    return nodes
  }

  private mutating func node() throws(ClosureError) -> (place: String, node: ClosureNode) {
    let path = try path("a store path")
    let start = place
    let hash = isRegistration ? try hash() : nil
    let size = isRegistration ? try number("the size of an archive") : nil
    let deriver = try deriver()
    let count = try number("a number of references")
    var references: [StorePath] = []
    while references.count < count {
      references.append(try self.path("reference \(references.count + 1) of \(count)"))
    }
    return (
      start,
      ClosureNode(
        // Nix writes 0 for what it does not know; no archive is empty.
        path: path, narHash: hash, narSize: size == 0 ? nil : size, deriver: deriver, references: references)
    )
  }

  private mutating func line(_ expected: String) throws(ClosureError) -> String {
    guard position < lines.count else {
      throw .unexpected(place: "line \(position + 1)", expected: expected, found: "the end of the text")
    }
    position += 1
    return String(lines[position - 1])
  }

  private mutating func path(_ expected: String) throws(ClosureError) -> StorePath {
    let line = try line(expected)
    guard line.utf8.first == UInt8(ascii: "/") else {
      throw .unexpected(place: place, expected: expected, found: ClosureText.quote(line))
    }
    return try paths.read(line, at: place)
  }

  private mutating func deriver() throws(ClosureError) -> StorePath? {
    let line = try line("a deriver or an empty line")
    return line.isEmpty ? nil : try paths.read(line, at: place)
  }

  private mutating func hash() throws(ClosureError) -> NixHash {
    let line = try line("a hash")
    do { return try NixHash(parsing: line, algorithm: .sha256) } catch {
      throw .hash(place: place, error)
    }
  }

  private mutating func number(_ expected: String) throws(ClosureError) -> Int64 {
    let line = try line(expected)
    guard let number = Int64(line), number >= 0, line.utf8.first != UInt8(ascii: "+") else {
      throw .unexpected(place: place, expected: expected, found: ClosureText.quote(line))
    }
    return number
  }

  /// A line as it is shown in a message; it may be the first of a large binary file.
  static func quote(_ line: String) -> String {
    line.isEmpty ? "an empty line" : "“\(line.prefix(80))\(line.count > 80 ? "…" : "")”"
  }
}
