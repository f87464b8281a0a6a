import Hashing
import ImageArchive
import OrderedJSON

/// What changed between two images, as lines for people and as JSON.
struct ImageDifference {
  let config: ConfigDifference
  let files: [FileSystemDifference]

  var isEmpty: Bool { config.changes.isEmpty && files.isEmpty }

  // MARK: Text

  /// `A /path`, `C /path (mode 0644 -> 0600, content)`, `D /path`, and the changes of the configuration before them.
  var lines: [String] { config.changes.map(\.line) + files.map(Self.line) }

  private static func line(_ file: FileSystemDifference) -> String {
    let path = "/\(String(decoding: file.path.bytes, as: UTF8.self))".printable
    guard let first = file.first else { return "A \(path)" }
    guard let second = file.second else { return "D \(path)" }
    let aspects = file.aspects.map { aspect in
      guard let values = values(aspect, first, second) else { return aspect.rawValue }
      return "\(aspect.rawValue) \(values.0) -> \(values.1)".printable
    }
    return "C \(path) (\(aspects.joined(separator: ", ")))"
  }

  private static func values(
    _ aspect: FileSystemDifference.Aspect, _ first: FileSystemEntry, _ second: FileSystemEntry
  ) -> (String, String)? {
    func both(_ value: (FileSystemEntry) -> String) -> (String, String) { (value(first), value(second)) }
    return switch aspect {
    case .type: both { $0.kind.rawValue }
    case .mode: both { octal($0.mode) }
    case .owner: both { "\($0.userID):\($0.groupID)" }
    case .size: both { "\($0.byteCount)" }
    case .target: both { String(decoding: $0.linkTarget, as: UTF8.self) }
    case .mtime: both { "\($0.modificationTime)" }
    case .device: both { $0.device.map { "\($0.major):\($0.minor)" } ?? "none" }
    case .content, .attributes: nil
    }
  }

  private static func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  // MARK: JSON

  var json: JSONObject {
    [
      "isDifferent": .bool(!isEmpty), "config": .array(config.changes.map(\.json)),
      "files": .array(files.map(Self.json)),
    ]
  }

  private static func json(_ file: FileSystemDifference) -> JSONValue {
    let change = file.first == nil ? "added" : file.second == nil ? "deleted" : "changed"
    var object: JSONObject = [
      "path": .string("/\(String(decoding: file.path.bytes, as: UTF8.self))"), "change": .string(change),
    ]
    if change == "changed" { object["what"] = .array(file.aspects.map { .string($0.rawValue) }) }
    if let first = file.first { object["first"] = json(first) }
    if let second = file.second { object["second"] = json(second) }
    return .object(object)
  }

  private static func json(_ entry: FileSystemEntry) -> JSONValue {
    var object: JSONObject = [
      "type": .string(entry.kind.rawValue), "mode": .string(octal(entry.mode)),
      "uid": .integer(entry.userID), "gid": .integer(entry.groupID),
      "mtime": .integer(entry.modificationTime),
    ]
    if entry.kind == .file {
      object["size"] = .integer(entry.byteCount)
      object["digest"] = entry.contentDigest.map { .string($0.description) }
    }
    if entry.kind == .symbolicLink {
      object["target"] = .string(String(decoding: entry.linkTarget, as: UTF8.self))
    }
    return .object(object)
  }
}
