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
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      let parts = line.split { $0 == " " || $0 == "\t" }.map(String.init)
      if parts.isEmpty { isMacro = false }
      if parts.first == "macdef" { isMacro = true }
      if isMacro || parts.first?.hasPrefix("#") == true { continue }
      words += parts
    }
    return words
  }

  /// The first login for a registry, as Docker keeps it; nil when there is none.
  ///
  /// A machine has no port there, so one without counts for all ports of a host.
  func loginFile(for registry: String) -> JSONObject? {
    var names = [registry]
    if let colon = registry.lastIndex(of: ":"), registry.last != "]" {
      names.append(String(registry[..<colon]))
    }
    if registry == "docker.io" { names += ["index.docker.io", "registry-1.docker.io"] }
    guard let entry = entries.first(where: { names.contains($0.machine) }) else { return nil }
    let login = Base64.encode(Array("\(entry.login):\(entry.password)".utf8))
    return ["auths": .object([registry: ["auth": .string(login)]])]
  }
}
