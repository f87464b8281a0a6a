import OCIModel
import OrderedJSON

/// The content of `manifest.json`: which files of a docker-archive are which image.
struct DockerArchiveList {
  /// One image.
  struct Item: Sendable, Hashable {
    /// The member with the configuration.
    var config: String
    /// Names, as written.
    var tags: [String]
    /// The members with the layers, lowest first.
    var layers: [String]
  }

  static let memberName = "manifest.json"
  /// The most bytes that are read.
  static let maximumByteCount = 4 << 20
  private static let maximumItemCount = 10_000

  let items: [Item]

  init(_ bytes: [UInt8]) throws(DocumentError) {
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: bytes, limits: .manifest)
    } catch {
      throw .json(error)
    }
    guard let elements = json.array else {
      throw .wrongKind(field: "(document)", expected: "a list", found: json.kindName)
    }
    try Self.check(elements.count, limit: Self.maximumItemCount, field: "(document)")
    var items: [Item] = []
    for (position, element) in elements.enumerated() {
      items.append(try Self.item(element, field: "[\(position)]"))
    }
    self.items = items
  }

  private static func item(_ json: JSONValue, field: String) throws(DocumentError) -> Item {
    guard let object = json.object else {
      throw .wrongKind(field: field, expected: "an object", found: json.kindName)
    }
    // Readers in Go ignore case, so another spelling would be another image to them.
    for name in object.names {
      let known = ["Config", "RepoTags", "Layers"].first { $0.lowercased() == name.lowercased() }
      if let known, known != name { throw .misspelled(field: "\(field).\(name)", expected: known) }
    }
    guard let config = json["Config"] else { throw .missing(field: "\(field).Config") }
    let layers = try strings(json["Layers"], field: "\(field).Layers")
    try check(layers.count, limit: Manifest.maximumLayerCount, field: "\(field).Layers")
    return Item(
      config: try string(config, field: "\(field).Config"),
      tags: try strings(json["RepoTags"], field: "\(field).RepoTags"), layers: layers)
  }

  private static func check(_ count: Int, limit: Int, field: String) throws(DocumentError) {
    guard count <= limit else { throw .tooMany(field: field, count: count, limit: limit) }
  }

  private static func string(_ json: JSONValue, field: String) throws(DocumentError) -> String {
    guard let text = json.string else {
      throw .wrongKind(field: field, expected: "a string", found: json.kindName)
    }
    return text
  }

  /// Programs in Go write an empty list as null.
  private static func strings(_ json: JSONValue?, field: String) throws(DocumentError) -> [String] {
    guard let json, !json.isNull else { return [] }
    guard let elements = json.array else {
      throw .wrongKind(field: field, expected: "a list", found: json.kindName)
    }
    var texts: [String] = []
    for (position, element) in elements.enumerated() {
      texts.append(try string(element, field: "\(field)[\(position)]"))
    }
    return texts
  }
}
