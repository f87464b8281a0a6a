import ArchiveIO
import Hashing
public import NixStore
import OCIModel
import OrderedJSON
import SystemPackage

/// The environment that a derivation is built in, as an image has it (nix-dockertools.md, section 12).
public struct BuildEnvironment: Sendable {
  /// The derivation's name.
  public let name: String
  /// Go's name of the machine that it is built on.
  public let architecture: String
  /// The variables.
  public let variables: [String: String]
  /// The shell.
  public let shell: EnvironmentShell
  /// The store paths that it has besides the derivation's inputs.
  public let packages: [StorePath]
  /// How containers are started.
  let config: JSONObject
  /// The files that are made for the image, and the directories that the user has.
  public let trees: [(name: String, tree: HelperTree)]
  private let uid: Int64
  private let gid: Int64

  /// Where builds take place.
  static let buildDirectory = "/build"

  /// The environment as `spec` wants it.
  ///
  /// - Throws: `BuildEnvironmentError`, `HelperError`, `StorePathError`.
  public init(
    of derivation: Derivation, spec: ShellSpec, storeDirectory: String = StorePath.defaultStoreDirectory
  ) throws {
    let attributes = derivation.environment
    try Self.check(derivation, attributes)
    name = attributes["name"] ?? "derivation"
    architecture = try Self.architecture(of: derivation.system)
    (uid, gid) = (spec.uid, spec.gid)
    let shell = try Self.shell(of: derivation, spec)
    packages = try [("shell", shell), ("coreutils", spec.coreutils), ("cacert", spec.cacert)]
      .compactMap { key, path in try path.map { try Self.package($0, of: key, storeDirectory) } }

    var store = MadeFiles(storeDirectory: storeDirectory)
    let program = EnvironmentShell.buildProgram(shell: shell, command: derivation.command)
    let directory = try store.add(program, named: "build-derivation", at: "/bin/buildDerivation", mode: 0o555)
    self.shell = EnvironmentShell(program: shell, buildDirectory: directory, commands: spec.commands)

    var variables = Self.first(spec, search: self.shell.searchPath, storeDirectory: storeDirectory)
    variables.merge(attributes) { $1 }
    for attribute in (attributes["passAsFile"] ?? "").split(whereSeparator: \.isWhitespace).map(String.init) {
      guard let text = variables.removeValue(forKey: attribute) else { continue }
      variables["\(attribute)Path"] = try store.add(text, named: "shell-passAsFile-\(attribute)")
    }
    variables.merge(Self.last) { $1 }
    self.variables = variables

    let startupFile = try store.add(self.shell.startupFile, named: "nix-shell-rc")
    config = [
      "Cmd": .array(self.shell.command(startupFile: startupFile).map { .string($0) }),
      "User": .string("\(spec.uid):\(spec.gid)"), "WorkingDir": .string(Self.buildDirectory),
      "Env": .array(
        variables.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
          .map { .string("\($0.key)=\($0.value)") }),
    ]
    trees = [
      (
        "the users",
        try EnvironmentShell.users(uid: spec.uid, gid: spec.gid, home: spec.homeDirectory)
      ),
      ("the directories", HelperTree(EnvironmentShell.directories.map { ($0, .directory) })),
      ("the files for the shell", HelperTree(store.files)),
    ]
  }

  /// Who owns the directories that builds write to.
  var permissions: JSONValue {
    var paths: Set<String> = []
    for path in EnvironmentShell.directories {
      // Nothing but Nix's own is below `nix`; `etc` has the users too.
      let names = path.split(separator: "/")
      let shortest = names[0] == "nix" ? 1 : names.count
      for count in shortest...names.count { paths.insert(names.prefix(count).joined(separator: "/")) }
    }
    return .array(
      paths.sorted().map { ["path": .string($0), "uid": .integer(uid), "gid": .integer(gid)] })
  }

  // MARK: Variables

  /// What the derivation may override.
  private static func first(
    _ spec: ShellSpec, search: String, storeDirectory: String
  ) -> [String: String] {
    var variables = [
      "PATH": search, "HOME": spec.homeDirectory, "NIX_STORE": storeDirectory, "NIX_BUILD_CORES": "1",
    ]
    if let package = spec.cacert {
      let bundle = HelperName.Package.cacert.target(at: package, storeDirectory: storeDirectory)
      for name in ["SSL_CERT_FILE", "NIX_SSL_CERT_FILE"] { variables[name] = bundle }
    }
    return variables
  }

  /// What it may not.
  private static let last: [String: String] = {
    var variables = ["TERM": "xterm-256color"]
    for name in ["NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"] {
      variables[name] = buildDirectory
    }
    return variables
  }()

  // MARK: Checks

  private static func check(_ derivation: Derivation, _ attributes: [String: String]) throws {
    if attributes["__json"] != nil { throw BuildEnvironmentError.structuredAttributes }
    if let output = derivation.outputs.first(where: { $0.path == nil }) {
      throw BuildEnvironmentError.unknownPath(output: output.name)
    }
    if derivation.builder.hasPrefix("builtin:") {
      throw BuildEnvironmentError.builtin(derivation.builder)
    }
  }

  private static func shell(of derivation: Derivation, _ spec: ShellSpec) throws -> String {
    if let shell = spec.shell { return shell }
    guard FilePath(derivation.builder).lastComponent == "bash" else {
      throw BuildEnvironmentError.noShell(builder: derivation.builder)
    }
    return derivation.builder
  }

  private static func package(
    _ path: String, of key: String, _ storeDirectory: String
  ) throws -> StorePath {
    guard let found = try? StorePath.locate(path, storeDirectory: storeDirectory) else {
      throw BuildEnvironmentError.outside(key: key, path: path)
    }
    return found.storePath
  }

  private static func architecture(of system: String) throws -> String {
    let parts = system.split(separator: "-", maxSplits: 1)
    guard parts.count == 2, parts[1] == "linux" else { throw BuildEnvironmentError.system(system) }
    return Platform.architecture(ofMachine: String(parts[0]))
  }
}

/// Texts that are made for an image, each in the store under a name that follows from it, as `builtins.toFile` names them.
private struct MadeFiles {
  let storeDirectory: String
  /// Paths without slash in front.
  private(set) var files: [(path: String, content: HelperTree.Content)] = []

  init(storeDirectory: String) { self.storeDirectory = storeDirectory }

  /// Gives the store path, which is the file, or has it at the path `member`.
  mutating func add(
    _ text: String, named name: String, at member: String = "", mode: UInt16 = 0o444
  ) throws -> String {
    let path = try StorePath.text(
      Digest(of: text.utf8), references: [], name: name, storeDirectory: storeDirectory
    ).description
    files.append((String((path + member).dropFirst()), .file(Array(text.utf8), mode: mode)))
    return path
  }
}

/// Why there is no image of a derivation's build environment.
public enum BuildEnvironmentError: Error, Hashable, CustomStringConvertible {
  /// It has structured attributes.
  case structuredAttributes
  /// An output's path is not known before the build.
  case unknownPath(output: String)
  /// Nix itself is the builder.
  case builtin(String)
  /// It is built on something else than Linux.
  case system(String)
  /// No shell is given, and the builder is none.
  case noShell(builder: String)
  /// What the image needs is not in the store.
  case outside(key: String, path: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .structuredAttributes:
      "the derivation has structured attributes, which no environment variable can hold; use one without __structuredAttrs"
    case .unknownPath(let output):
      "the path of the derivation's output “\(output)” is only known after the build (it is content-addressed); use a derivation without __contentAddressed"
    case .builtin(let builder):
      "the derivation's builder is \(builder), a part of Nix and no program; there is no environment to be in"
    case .system(let system):
      "the derivation is built on “\(system)”, and containers are Linux: expected a system such as x86_64-linux"
    case .noShell(let builder):
      "“shell” is missing, and the derivation's builder, \(builder), is no bash; give the path of a bash in the store"
    case .outside(let key, let path):
      "“\(key)” is \(path), which is not in the store; the image has nothing but store paths"
    }
  }
}
