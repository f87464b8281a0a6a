/// The members of a JSON object, in order, each name once.
///
/// Names are the same when their bytes are: `String`'s own equality also joins canonically equivalent texts
/// (`K` and the Kelvin sign), which are different members to every other reader of JSON.
public struct JSONObject: Sendable {
  /// One name and its value.
  public struct Member: Sendable {
    /// The name, without escapes.
    public let name: String
    /// The value.
    public var value: JSONValue
  }

  /// The members in order.
  public private(set) var members: [Member] = []
  /// Where each name is; only kept for objects with many members, where a search would be slow.
  private var positions: [[UInt8]: Int] = [:]
  private static let searchLimit = 16

  /// An object without members.
  public init() {}

  /// The number of members.
  public var count: Int { members.count }

  /// Whether there is no member.
  public var isEmpty: Bool { members.isEmpty }

  /// The names in order.
  public var names: [String] { members.map(\.name) }

  /// The value of a name.
  ///
  /// Setting keeps the member's place, or adds one at the end; setting nil removes the member.
  public subscript(_ name: String) -> JSONValue? {
    get { position(of: name).map { members[$0].value } }
    set {
      switch (position(of: name), newValue) {
      case (let position?, let value?): members[position].value = value
      case (nil, let value?): add(Member(name: name, value: value))
      case (let position?, nil): remove(at: position)
      case (nil, nil): break
      }
    }
  }

  /// Adds a member at the end.
  ///
  /// Returns false, and changes nothing, when the name is there already.
  @discardableResult
  public mutating func append(_ name: String, _ value: JSONValue) -> Bool {
    guard position(of: name) == nil else { return false }
    add(Member(name: name, value: value))
    return true
  }

  /// Adds those members of another object whose names are not here yet, at the end.
  public mutating func append(contentsOf other: JSONObject) {
    for member in other.members { append(member.name, member.value) }
  }

  /// The same members, sorted by the bytes of their names.
  public func sorted() -> JSONObject {
    var result = JSONObject()
    for member in members.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      result.add(member)
    }
    return result
  }

  private func position(of name: String) -> Int? {
    if members.count > Self.searchLimit { return positions[Array(name.utf8)] }
    return members.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
  }

  private mutating func add(_ member: Member) {
    members.append(member)
    if members.count == Self.searchLimit + 1 {
      indexMembers()
    } else if members.count > Self.searchLimit {
      positions[Array(member.name.utf8)] = members.count - 1
    }
  }

  private mutating func remove(at position: Int) {
    members.remove(at: position)
    indexMembers()
  }

  private mutating func indexMembers() {
    positions = [:]
    guard members.count > Self.searchLimit else { return }
    for (position, member) in members.enumerated() { positions[Array(member.name.utf8)] = position }
  }
}

extension JSONObject: Hashable {
  /// Whether names, values and order are the same.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.elementsEqual(right.members) {
      $0.name.utf8.elementsEqual($1.name.utf8) && $0.value == $1.value
    }
  }

  /// Hashes names and values in order.
  public func hash(into hasher: inout Hasher) {
    for member in members {
      hasher.combine(member.name)
      hasher.combine(member.value)
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// The members in order; of repeated names the last value counts, at the place of the first.
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    self.init()
    for (name, value) in members { self[name] = value }
  }
}
