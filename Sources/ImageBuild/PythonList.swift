/// A list of texts as Python prints it: `['a', 'b']`.
enum PythonList {
  static func description(of texts: [String]) -> String { "[\(texts.map(quoted).joined(separator: ", "))]" }

  /// In single quotes, or in double ones when that saves escapes.
  private static func quoted(_ text: String) -> String {
    let quote: Character = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    var result = String(quote)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "'" where quote == "'": result += "\\'"
      case "\0"..<" ", "\u{7f}"..."\u{a0}", "\u{ad}":
        let digits = String(scalar.value, radix: 16)
        result += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + String(quote)
  }
}
