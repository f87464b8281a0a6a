/// Puts a response head together from its lines.
struct ResponseHead {
  /// More than any server has reason to send; interim heads count too.
  static let byteLimit = 256 * 1024

  private var status = 0
  private var fields: [(name: String, value: String)] = []
  private(set) var byteCount = 0

  /// What a line led to.
  enum Step {
    case more
    case complete(HTTPResponse)
    case tooLarge
  }

  /// Takes the next line, its end included.
  ///
  /// Interim (1xx) heads are dropped.
  mutating func add(_ line: UnsafeRawBufferPointer) -> Step {
    byteCount += line.count
    guard byteCount <= Self.byteLimit else { return .tooLarge }
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      status = text.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
      fields = []
    } else if text.allSatisfy(\.isNewline) {
      if status >= 200 { return .complete(response) }
    } else if let first = line.first, first == 0x20 || first == 0x09, let last = fields.indices.last {
      fields[last].value += " " + Self.trimmed(text[...])
    } else if let colon = text.firstIndex(of: ":") {
      fields.append((String(text[..<colon]), Self.trimmed(text[colon...].dropFirst())))
    }
    return .more
  }

  private var response: HTTPResponse {
    var headers: HTTPHeaders = [:]
    for field in fields { headers.add(field.name, field.value) }
    return HTTPResponse(status: status, headers: headers)
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
