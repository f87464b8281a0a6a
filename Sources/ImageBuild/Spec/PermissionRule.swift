import Hashing
import OrderedJSON

/// One element of `permissions`: what changes for some files when they are written into a layer.
public struct PermissionRule: Sendable, Hashable {
  /// One extended attribute.
  public struct Attribute: Sendable, Hashable {
    /// With its namespace: `security.capability`.
    public var name: String
    /// Its bytes.
    public var value: [UInt8]
  }

  /// A pattern of paths in the image, without slash in front.
  public var path: String
  /// Permission bits, with set-user-ID, set-group-ID and sticky bit.
  public var mode: UInt16?
  /// The owner's number.
  public var uid: Int64?
  /// The group's number.
  public var gid: Int64?
  /// The owner's name.
  public var userName: String?
  /// The group's name.
  public var groupName: String?
  /// Extended attributes to set, in the order of the spec.
  public var attributes: [Attribute]

  init(_ values: SpecValues) {
    path = String((values.text("path") ?? "").drop { $0 == "/" })
    let mode = values["mode"]
    self.mode = mode.string.flatMap { UInt16($0, radix: 8) } ?? mode.wholeNumber.map { UInt16(clamping: $0) }
    (uid, gid) = (values.number("uid"), values.number("gid"))
    (userName, groupName) = (values.text("uname"), values.text("gname"))
    attributes = (values["xattrs"].object?.members ?? []).map {
      Attribute(name: $0.name, value: Self.bytes($0.value.string ?? "") ?? [])
    }
  }

  /// The keys of a rule.
  static let keys: [SpecKey] = [
    .required(
      "path", .text(.nonEmpty("the path of files in the image, with * ? [] and ** as wildcards")),
      "Which files: a path in the image; * and ? stand for characters other than /, ** for any."),
    SpecKey(
      "mode", .either([.text(octal), .integer(0...0o7777, refused: misread)]),
      "Permission bits: a string is octal (\"0755\"), a number is the value itself (493 is the same)."),
    SpecKey("uid", .integer(0...4_294_967_294), "The owner's number."),
    SpecKey("gid", .integer(0...4_294_967_294), "The group's number."),
    SpecKey("uname", .text(.any), "The owner's name."),
    SpecKey("gname", .text(.any), "The group's name."),
    SpecKey(
      "xattrs", .map(of: .text(attribute)),
      "Extended attributes by name, as setfattr(1) takes them: text, 0x and hexadecimal digits, or 0s and base 64."
    ),
  ]

  private static let octal = SpecText("octal digits like \"0755\"", pattern: "[0-7]{3,4}") {
    (3...4).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x37).contains($0) }
  }

  /// Numbers whose writers mean octal digits: 755 is octal 1363, which nobody wants.
  private static let misread: [Int64] = [
    400, 440, 444, 500, 550, 555, 600, 640, 644, 660, 664, 666, 700, 711, 750, 755, 770, 775, 777, 1755, 1777,
    2755, 2775,
  ]

  private static let attribute = SpecText(
    "text without NUL, 0x and pairs of hexadecimal digits, or 0s and base 64",
    pattern:
      "0x(?:[0-9a-fA-F]{2})*|0s(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?|(?!0[xs])[^\\u0000]*"
  ) { bytes($0) != nil }

  /// The bytes that setfattr(1) would set.
  private static func bytes(_ text: String) -> [UInt8]? {
    if text.hasPrefix("0x") { return Hexadecimal.decode(text.dropFirst(2).lowercased()) }
    if text.hasPrefix("0s") { return Base64.decode(text.dropFirst(2)) }
    return text.utf8.contains(0) ? nil : Array(text.utf8)
  }
}

extension PermissionRule {
  /// The rule as it counts for the tag of an image.
  var normalized: JSONValue {
    var members: JSONObject = ["path": .string(path)]
    members["mode"] = mode.map { .integer($0) }
    members["uid"] = uid.map { .integer($0) }
    members["gid"] = gid.map { .integer($0) }
    members["uname"] = userName.map { .string($0) }
    members["gname"] = groupName.map { .string($0) }
    if !attributes.isEmpty {
      var values = JSONObject()
      for attribute in attributes { values[attribute.name] = .string(Hexadecimal.encode(attribute.value)) }
      members["xattrs"] = .object(values)
    }
    return .object(members)
  }
}
