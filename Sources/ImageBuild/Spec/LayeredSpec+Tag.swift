import ArchiveIO
public import Hashing
public import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

extension LayeredSpec {
  /// Everything in the spec that defines the image, the same for every way to write it: canonical JSON without white space.
  ///
  /// Paths on this machine are left out, since their content counts and not their name; so is what only says how the image is
  /// packed (`format`, `compressor`, `layerCompression`), made (`executor`, `closure`) or called (`tag`, `passthru`). Keys with
  /// their defaults are left out too, so that a key more in a later release changes no tags.
  public func normalizedForTag(storeDirectory: String = StorePath.defaultStoreDirectory) -> [UInt8] {
    var members: JSONObject = [
      "name": .string(imageName), "architecture": .string(architecture), "created": .string(created.text),
      "mtime": .string(modified.text),
    ]
    func add(_ name: String, _ value: JSONValue) {
      guard let key = Self.table.keys.first(where: { $0.name == name }) else {
        preconditionFailure("the key \(name) is not in the table of the spec")
      }
      if value != key.fallback { members[name] = value }
    }
    add("fromImage", .optional(base.map { _ in "" }))
    add("contents", .array(contents.map { $0.normalized(storeDirectory: storeDirectory) }))
    add("config", .object(runtimeConfig))
    add("variant", .optional(variant.map { .string($0) }))
    add("uid", .integer(owner.uid))
    add("gid", .integer(owner.gid))
    add("uname", .string(owner.userName))
    add("gname", .string(owner.groupName))
    add("maxLayers", .integer(maxLayers))
    add("extraCommands", .string(extraCommands))
    add("fakeRootCommands", .string(fakeRootCommands))
    add("enableFakechroot", .bool(enableFakechroot))
    add("includeStorePaths", .bool(includeStorePaths))
    add("includeNixDB", .bool(includeNixDB))
    add("layering", layering.normalized)
    add("inherit", .string(inheritance.rawValue))
    add("permissions", .array(permissions.map(\.normalized)))
    var notes = JSONObject()
    for entry in annotations.entries { notes[entry.name] = .string(entry.value) }
    add("annotations", .object(notes))
    return JSONValue.object(members).sorted().serialized()
  }

  /// The tag of an image whose spec names none: 32 digits of Nix's base 32 of what defines it (design.md, section 4).
  ///
  /// - Parameter inputs: the digests of the base image, of each plain directory and file that the spec names, in the order of the
  ///   spec, and of the closure. They stand for the paths that `normalizedForTag` leaves out.
  public func defaultTag(
    inputs: [Digest], storeDirectory: String = StorePath.defaultStoreDirectory
  ) -> String {
    let lines = inputs.map { "\n\($0)" }.joined()
    let digest = Digest(of: normalizedForTag(storeDirectory: storeDirectory) + lines.utf8)
    return String(NixBase32.encode(digest.bytes).prefix(32))
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

extension LayeredSpec.Layering {
  fileprivate var normalized: JSONValue {
    switch self {
    case .popularity: "popularity"
    case .auto: "auto"
    case .explicit(let layers): .array(layers.map { .array($0.map { .string($0) }) })
    }
  }
}

extension JSONValue {
  fileprivate static func optional(_ value: JSONValue?) -> JSONValue { value ?? .null }
}
