/// The head of a response.
public struct HTTPResponse: Sendable {
  /// The status code.
  public var status: Int
  /// All header fields in order.
  ///
  /// Names keep their spelling; look-ups ignore case.
  public var headers: HTTPHeaders
  /// Whether the address that answered is one that `AddressRule.publicOnly` refuses.
  ///
  /// False behind a proxy.
  public var isFromPrivateAddress = false

  /// A head.
  ///
  public init(status: Int, headers: HTTPHeaders) {
    self.status = status
    self.headers = headers
  }

  /// The value of `Content-Length` in bytes, where there is a sound one.
  public var contentLength: Int64? {
    guard let text = headers.first("content-length"), let count = Int64(text), count >= 0 else { return nil }
    return count
  }
}

/// Header fields in order, with look-up by name regardless of case.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
  /// The fields.
  public private(set) var fields: [(name: String, value: String)] = []

  /// Fields in the order written.
  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { (name: $0.0, value: $0.1) }
  }

  /// Adds a field at the end.
  public mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

  /// Replaces every field of that name by one.
  public mutating func set(_ name: String, _ value: String) {
    remove(name)
    add(name, value)
  }

  /// Removes every field of that name.
  public mutating func remove(_ name: String) { fields.removeAll { Self.equal($0.name, name) } }

  /// The first value of that name.
  public func first(_ name: String) -> String? { fields.first { Self.equal($0.name, name) }?.value }

  /// All values of that name, in order.
  public func all(_ name: String) -> [String] { fields.filter { Self.equal($0.name, name) }.map(\.value) }

  private static func equal(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.lowercased() == right.lowercased()
  }
}
