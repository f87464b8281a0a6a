/// The tables of a document while it is read, with what may still be added to each (TOML 1.0, "Table" and
/// "Keys").
struct TOMLTree {
  /// How a table came to be.
  private enum Origin { case implied, header, dotted }
  private enum Node {
    case value(TOML)
    case table(Int)
    case tables([Int])
  }
  private struct Table {
    var origin: Origin
    var members: [String: Node] = [:]
  }

  private var tables = [Table(origin: .header)]
  /// The table that keys go into.
  private var current = 0

  /// The whole document.
  var value: TOML { value(of: 0) }

  private func value(of index: Int) -> TOML {
    .table(
      tables[index].members.mapValues { node in
        switch node {
        case .value(let value): value
        case .table(let index): value(of: index)
        case .tables(let indices): .array(indices.map(value(of:)))
        }
      })
  }

  private mutating func add(_ origin: Origin) -> Int {
    tables.append(Table(origin: origin))
    return tables.count - 1
  }

  /// Takes the header `[a.b.c]`.
  mutating func openTable(_ path: [String]) throws(Fault) {
    let (parent, name) = try descend(path)
    switch tables[parent].members[name] {
    case nil:
      current = add(.header)
      tables[parent].members[name] = .table(current)
    case .table(let index) where tables[index].origin == .implied:
      tables[index].origin = .header
      current = index
    default: throw Fault(.duplicate(key: path.joined(separator: ".")))
    }
  }

  /// Takes the header `[[a.b.c]]`.
  mutating func openElement(_ path: [String]) throws(Fault) {
    let (parent, name) = try descend(path)
    let existing: [Int]
    switch tables[parent].members[name] {
    case nil: existing = []
    case .tables(let indices): existing = indices
    default: throw Fault(.notExtensible(key: path.joined(separator: ".")))
    }
    current = add(.header)
    tables[parent].members[name] = .tables(existing + [current])
  }

  /// The table that holds the last part of a header's path.
  private mutating func descend(_ path: [String]) throws(Fault) -> (parent: Int, name: String) {
    var index = 0
    for part in path.dropLast() {
      switch tables[index].members[part] {
      case nil:
        let next = add(.implied)
        tables[index].members[part] = .table(next)
        index = next
      case .table(let next): index = next
      case .tables(let all): index = all.last ?? 0
      case .value: throw Fault(.notExtensible(key: part))
      }
    }
    return (index, path.last ?? "")
  }

  /// `a.b.c = value` in the open table.
  mutating func set(_ path: [String], _ value: TOML) throws(Fault) {
    var index = current
    for part in path.dropLast() {
      switch tables[index].members[part] {
      case nil:
        let next = add(.dotted)
        tables[index].members[part] = .table(next)
        index = next
      case .table(let next) where tables[next].origin == .dotted: index = next
      default: throw Fault(.notExtensible(key: part))
      }
    }
    let name = path.last ?? ""
    guard tables[index].members[name] == nil else {
      throw Fault(.duplicate(key: path.joined(separator: ".")))
    }
    tables[index].members[name] = .value(value)
  }

  /// A reason; the parser knows the place.
  struct Fault: Error {
    let reason: TOMLError.Reason
    init(_ reason: TOMLError.Reason) { self.reason = reason }
  }
}
