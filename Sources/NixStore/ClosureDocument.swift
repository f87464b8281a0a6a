import Hashing
import OrderedJSON

/// A reference graph as JSON: a list of paths, or an object with a member for each.
struct ClosureDocument {
  private var paths = StorePathReader()

  static func nodes(
    parsing bytes: some Collection<UInt8>
  ) throws(ClosureError) -> [(place: String, node: ClosureNode)] {
    let document: JSONValue
    do { document = try JSONValue(parsing: bytes) } catch { throw .json(error) }
    var reader = ClosureDocument()
    var nodes: [(place: String, node: ClosureNode)] = []
    if let members = document.object?.members {
      for member in members {
        nodes.append(try reader.node(member.value, path: member.name, at: "member “\(member.name)”"))
      }
      return nodes
    }
    for (index, element) in (document.array ?? []).enumerated() {
      let place = "element \(index + 1)"
      let path = try reader.text(element["path"], "path", at: place)
      nodes.append(try reader.node(element, path: path, at: place))
    }
    return nodes
  }

  private mutating func node(
    _ value: JSONValue, path: String, at place: String
  ) throws(ClosureError) -> (place: String, node: ClosureNode) {
    let storePath = try paths.read(path, at: place)
    // `nix path-info` of a path that Nix does not have: `null`, or an object that says so.
    if value.isNull || value["valid"]?.bool == false { throw .invalid(place: place, path: path) }
    var references: [StorePath] = []
    for (index, element) in try list(value["references"], "references", at: place).enumerated() {
      let text = try text(element, "reference \(index + 1)", at: place)
      references.append(try paths.read(text, at: "\(place), reference \(index + 1)"))
    }
    let node = ClosureNode(
      path: storePath, narHash: try hash(value["narHash"], at: place),
      narSize: try size(value["narSize"], at: place), deriver: try deriver(value["deriver"], at: place),
      references: references)
    return (place, node)
  }

  private func hash(_ value: JSONValue?, at place: String) throws(ClosureError) -> NixHash? {
    guard let value, !value.isNull else { return nil }
    let text = try text(value, "narHash", at: place)
    do { return try NixHash(parsing: text, algorithm: .sha256) } catch {
      throw .hash(place: "\(place), narHash", error)
    }
  }

  private func size(_ value: JSONValue?, at place: String) throws(ClosureError) -> Int64? {
    guard let value, !value.isNull else { return nil }
    guard let size = value.int, size >= 0 else {
      throw .unexpected(place: "\(place), narSize", expected: "a number of bytes", found: Self.show(value))
    }
    return size == 0 ? nil : size
  }

  private mutating func deriver(_ value: JSONValue?, at place: String) throws(ClosureError) -> StorePath? {
    guard let value, !value.isNull else { return nil }
    let text = try text(value, "deriver", at: place)
    return text.isEmpty ? nil : try paths.read(text, at: "\(place), deriver")
  }

  private func text(_ value: JSONValue?, _ name: String, at place: String) throws(ClosureError) -> String {
    guard let text = value?.string else {
      throw .unexpected(place: "\(place), \(name)", expected: "a string", found: Self.show(value))
    }
    return text
  }

  private func list(_ value: JSONValue?, _ name: String, at place: String) throws(ClosureError) -> [JSONValue]
  {
    guard let list = value?.array else {
      throw .unexpected(place: "\(place), \(name)", expected: "a list", found: Self.show(value))
    }
    return list
  }

  private static func show(_ value: JSONValue?) -> String {
    if case .number(let text) = value { text } else { value?.kindName ?? "nothing" }
  }
}
