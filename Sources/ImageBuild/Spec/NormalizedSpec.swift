import ArchiveIO
import Hashing
import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

/// Everything in a spec that defines the image, the same for every way to write it.
///
/// Paths on this machine are left out, since their content counts and not their name; so is what only says how the image is
/// packed (`format`, `compressor`, `layerCompression`), made (`executor`, `closure`) or called (`tag`, `passthru`). Keys with
/// their defaults are left out too, so that a key more in a later release changes no tags.
struct NormalizedSpec {
  private let table: SpecTable
  private var members: JSONObject

  /// What every image's spec says; `contentsKey` is the name of its contents there.
  init(_ spec: BuildSpec, table: SpecTable, contentsKey: String, created: String, storeDirectory: String) {
    self.table = table
    members = [
      "name": .string(spec.imageName), "architecture": .string(spec.architecture),
      "created": .string(created),
    ]
    add("fromImage", .optional(spec.base.map { _ in "" }))
    add(contentsKey, .array(spec.contents.map { $0.normalized(storeDirectory: storeDirectory) }))
    add("config", .object(spec.runtimeConfig))
    add("variant", .optional(spec.variant.map { .string($0) }))
    add("uid", .integer(spec.owner.uid))
    add("gid", .integer(spec.owner.gid))
    add("extraCommands", .string(spec.extraCommands))
    add("includeNixDB", .bool(spec.includeNixDB))
    add("inherit", .string(spec.inheritance.rawValue))
    add("permissions", .array(spec.permissions.map(\.normalized)))
    var notes = JSONObject()
    for entry in spec.annotations.entries { notes[entry.name] = .string(entry.value) }
    add("annotations", .object(notes))
  }

  /// Adds the value of a key unless it is the default.
  mutating func add(_ name: String, _ value: JSONValue) {
    guard let key = table.keys.first(where: { $0.name == name }) else {
      preconditionFailure("the key \(name) is not in the table of the spec")
    }
    if value != key.fallback { members[name] = value }
  }

  /// Adds a value that always counts.
  mutating func set(_ name: String, _ value: JSONValue) { members[name] = value }

  /// Canonical JSON without white space.
  var bytes: [UInt8] { JSONValue.object(members).sorted().serialized() }

  /// 32 digits of Nix's base 32 of what defines the image (design.md, section 4).
  func tag(inputs: [Digest]) -> String {
    let lines = inputs.map { "\n\($0)" }.joined()
    return String(NixBase32.encode(Digest(of: bytes + lines.utf8).bytes).prefix(32))
  }
}

extension ContentsItem {
  /// Store paths by name; of what is elsewhere only that it is there.
  func normalized(storeDirectory: String) -> JSONValue {
    func text(_ path: String) -> String { path.hasPrefix(storeDirectory + "/") ? path : "" }
    return switch self {
    case .path(let path): .string(text(path.string))
    // A bundle of certificates is copied into the image, everything else becomes the target of a link.
    case .helper(.caCertificates, let path?):
      .string("helper:\(HelperName.caCertificates)=\(text(path.string))")
    case .helper(let name, let path): .string("helper:\(name)\(path.map { "=\($0)" } ?? "")")
    }
  }
}

extension JSONValue {
  fileprivate static func optional(_ value: JSONValue?) -> JSONValue { value ?? .null }
}
