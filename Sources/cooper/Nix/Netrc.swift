import Hashing
import OrderedJSON

/// The machines of a netrc file, as curl and Nix read it (GNU inetutils, "The .netrc file").
///
/// Macros are passed over, and so is `default`: a password that is for everybody is for no registry.
struct Netrc: Hashable {
  /// One login.
  struct Entry: Hashable {
    var machine: String
    var login = ""
    var password = ""
  }

  private(set) var entries: [Entry] = []

  init(parsing text: String) {
    var words = Self.words(of: text)[...]
    var entry: Entry?
    while let word = words.popFirst() {
      switch word {
      case "machine":
        entry.map { entries.append($0) }
        entry = words.popFirst().map { Entry(machine: $0) }
      case "default":
        entry.map { entries.append($0) }
        entry = nil
      case "login": words.popFirst().map { entry?.login = $0 }
      case "password": words.popFirst().map { entry?.password = $0 }
      case "account": _ = words.popFirst()
      default: break
      }
    }
    entry.map { entries.append($0) }
  }

  /// Words of all lines but comments and macros, which end with an empty line.
  private static func words(of text: String) -> [String] {
    var words: [String] = []
    var isMacro = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let parts = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
      if parts.isEmpty { isMacro = false }
      if parts.first == "macdef" { isMacro = true }
      if isMacro || parts.first?.hasPrefix("#") == true { continue }
      words += parts
    }
    return words
  }

  /// The same logins as Docker keeps them; the first one for a machine counts.
  var loginFile: JSONObject {
    var logins: JSONObject = [:]
    for entry in entries where logins[entry.machine] == nil {
      logins[entry.machine] = [
        "auth": .string(Base64.encode(Array("\(entry.login):\(entry.password)".utf8)))
      ]
    }
    return ["auths": .object(logins)]
  }
}
