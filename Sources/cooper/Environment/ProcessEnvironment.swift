import Glibc
import SystemPackage

/// What the program learns from its surroundings besides its arguments; a value, so that tests need no real
/// home.
struct ProcessEnvironment: Sendable {
  /// The variables.
  var variables: [String: String]
  /// The user's home directory, when there is one.
  var home: String?
  /// The number of the user.
  var userID: UInt32
  /// Where the machine's configuration is.
  var systemDirectory = "/etc"

  /// An environment of exactly these variables.
  init(variables: [String: String], home: String?, userID: UInt32 = getuid()) {
    self.variables = variables
    self.home = home
    self.userID = userID
  }

  /// The environment of this process.
  static var current: ProcessEnvironment {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    let home = variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? homeOfUser(getuid())
    return ProcessEnvironment(variables: variables, home: home)
  }

  private static func homeOfUser(_ user: UInt32) -> String? {
    guard let entry = getpwuid(user), let home = entry.pointee.pw_dir else { return nil }
    return String(cString: home)
  }

  /// Where files go that nobody keeps: `$TMPDIR`, or `/tmp`.
  var temporaryDirectory: FilePath { FilePath(self["TMPDIR"] ?? "/tmp") }

  /// The user's directory for what this program can make again: `$XDG_CACHE_HOME/cooper`, or below `~/.cache`.
  var cacheDirectory: FilePath? {
    let base = self["XDG_CACHE_HOME"] ?? home.map { $0 + "/.cache" }
    guard let base, base.hasPrefix("/") else { return nil }
    return FilePath(base).appending("cooper")
  }

  /// The path of a program, found in `PATH`; nil when it is in none of its directories.
  func program(_ name: String) -> FilePath? {
    let directories = (self["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
    return directories.lazy.map { FilePath("\($0)/\(name)") }.first { access($0.string, X_OK) == 0 }
  }

  /// A variable's value; an empty one counts as none, as in every program whose files are read here.
  subscript(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
}
