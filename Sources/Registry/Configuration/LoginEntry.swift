import Hashing
import OrderedJSON

/// One entry of `auths`.
struct LoginEntry {
  private static let members = ["auth", "username", "password", "identitytoken", "registrytoken"]

  /// What the entry says; nil when it has no content.
  let credentials: Credentials?

  init(_ object: JSONObject, file: String, place: String) throws(ConfigurationError) {
    func text(_ member: String) throws(ConfigurationError) -> String? {
      guard let value = object[member], !value.isNull else { return nil }
      guard let text = value.string else {
        throw .invalid(file: file, place: "\(place).\(member)", expected: "a string", found: value.kindName)
      }
      return text.isEmpty ? nil : text
    }
    if let token = try text("registrytoken") {
      credentials = .registryToken(token)
    } else if let token = try text("identitytoken") {
      credentials = .identityToken(token)
    } else if let encoded = try text("auth") {
      guard let (user, password) = Self.decode(encoded) else {
        throw .invalid(
          file: file, place: "\(place).auth", expected: "USER:PASSWORD in base 64", found: "something else")
      }
      credentials = .basic(user: user, password: password)
    } else if let user = try text("username") {
      credentials = .basic(user: user, password: try text("password") ?? "")
    } else {
      credentials = nil
    }
  }

  /// The user's name ends at the first colon; the password may have more of them.
  ///
  /// Some old programs padded it with NULs.
  private static func decode(_ encoded: String) -> (user: String, password: String)? {
    guard var bytes = Base64.decode(encoded) else { return nil }
    while bytes.last == 0 { bytes.removeLast() }
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      let user = String(validating: bytes[..<colon], as: UTF8.self),
      let password = String(validating: bytes[(colon + 1)...], as: UTF8.self)
    else { return nil }
    return (user, password)
  }

  /// Makes an entry say this and nothing else of its kind; members that are not known stay.
  static func set(user: String, password: String, in object: inout JSONObject) {
    for member in members where member != "auth" { object[member] = nil }
    object["auth"] = .string(Base64.encode(Array("\(user):\(password)".utf8)))
  }
}
