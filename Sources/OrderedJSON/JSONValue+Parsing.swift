import CJansson

extension JSONValue {
  /// Reads a whole document of any kind of value, with white space around it.
  ///
  /// Refused, beside what the grammar refuses: repeated member names, text that is not UTF-8, lone
  /// surrogates, integers beyond 64 bits, reals beyond a `Double`, and NUL in the name of a member.
  public init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    let bytes = Array(bytes)
    guard bytes.count <= limits.byteCount else {
      throw .tooLarge(byteCount: bytes.count, limit: limits.byteCount)
    }
    guard !bytes.isEmpty else { throw .syntax("the document is empty", offset: 0) }
    // jansson recurses up to 2048 levels, and so would everything that walks the value.
    try Self.checkDepth(bytes, limit: limits.depth)
    var problem = json_error_t()
    let root = bytes.withUnsafeBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { text in
        json_loadb(
          text.baseAddress, text.count, Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL),
          &problem)
      }
    }
    guard let root else { throw JSONError(problem) }
    defer { cooper_json_decref(root) }
    self.init(copying: root)
  }

  private static func checkDepth(_ bytes: [UInt8], limit: Int) throws(JSONError) {
    var depth = 0
    var inString = false
    var offset = 0
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "\""): inString.toggle()
      case UInt8(ascii: "\\") where inString: offset += 1
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        if inString { break }
        depth += 1
        if depth > limit { throw .tooDeep(limit: limit, offset: offset) }
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if !inString { depth -= 1 }
      default: break
      }
      offset += 1
    }
  }

  /// A copy of jansson's value, as deep as the document, which is limited.
  fileprivate init(copying source: UnsafeMutablePointer<json_t>) {
    switch source.pointee.type {
    case JSON_OBJECT: self = .object(JSONObject(copying: source))
    case JSON_ARRAY:
      self = .array(
        (0..<json_array_size(source)).compactMap { json_array_get(source, $0).map(JSONValue.init(copying:)) })
    case JSON_STRING:
      self = .string(String(copying: json_string_value(source), count: json_string_length(source)))
    case JSON_INTEGER: self = .integer(json_integer_value(source))
    case JSON_REAL: self = .number(String(json_real_value(source)))
    case JSON_TRUE: self = .bool(true)
    case JSON_FALSE: self = .bool(false)
    default: self = .null
    }
  }
}

extension JSONObject {
  /// A copy of jansson's members in the order they were read.
  fileprivate init(copying source: UnsafeMutablePointer<json_t>) {
    self.init()
    var iterator = json_object_iter(source)
    while let current = iterator {
      let name = String(copying: json_object_iter_key(current), count: json_object_iter_key_len(current))
      if let value = json_object_iter_value(current) { append(name, JSONValue(copying: value)) }
      iterator = json_object_iter_next(source, current)
    }
  }
}

extension String {
  fileprivate init(copying text: UnsafePointer<CChar>?, count: Int) {
    let bytes = UnsafeRawBufferPointer(start: text, count: text == nil ? 0 : count)
    self.init(decoding: bytes, as: UTF8.self)
  }
}

extension JSONError {
  /// jansson's description; it keeps the kind of error in the last byte of the text (`json_error_code`).
  fileprivate init(_ problem: json_error_t) {
    let text = withUnsafeBytes(of: problem.text) { Array($0) }
    let message = Self.escapingControls(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
    let offset = Int(max(problem.position, 0))
    if text.last.map({ UInt32($0) }) == json_error_duplicate_key.rawValue {
      self = .duplicateMember(near: message, offset: offset)
    } else {
      self = .syntax(message, offset: offset)
    }
  }

  /// Jansson repeats what stands near the error, and that may be somebody's attempt at the terminal.
  private static func escapingControls(_ message: String) -> String {
    message.unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
