extension StringProtocol {
  /// The text with control and formatting characters as `\u{…}`, and cut at 1,000 scalars.
  ///
  /// What a server says is shown on a terminal, and must not be able to write to it in another voice.
  var printable: String {
    var text = ""
    for (index, scalar) in unicodeScalars.enumerated() {
      if index == 1000 { return text + "…" }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The text without spaces and tabs at both ends, as field values of HTTP are compared.
  var trimmingSpaces: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    var rest = self[...].drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return String(rest)
  }
}
