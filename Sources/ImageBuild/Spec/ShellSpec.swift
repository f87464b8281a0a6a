import ArchiveIO
public import OrderedJSON
public import SystemPackage

/// What `cooper build shell` and `cooper stream shell` are told: the inputs of nixpkgs' `buildNixShellImage` (dockerTools-manual.md), with a
/// derivation's file where an expression has the derivation, and the additions of design.md, section 4.
public struct ShellSpec: Hashable, Sendable {
  /// The `.drv` file.
  public var derivation: FilePath
  /// nil for the derivation's name and `-env`.
  public var name: String?
  /// Who runs the container.
  public var uid: Int64
  /// That user's group.
  public var gid: Int64
  /// That user's home.
  public var homeDirectory: String
  /// The path of bash; nil for the derivation's builder.
  public var shell: String?
  /// What the shell does.
  public var commands: EnvironmentShell.Commands
  /// The package with `env`.
  public var coreutils: String?
  /// The package with certificates.
  public var cacert: String?
  /// What means the same for every layered image.
  private let common: JSONObject
  /// Where relative paths begin.
  private let directory: FilePath

  /// Reads a spec; relative paths begin at `directory`.
  ///
  /// - Throws: `SpecError` with everything that is wrong in it.
  public init(parsing bytes: [UInt8], directory: FilePath) throws(SpecError) {
    var (values, problems) = try Self.table.read(bytes)
    self.init(values, directory: directory)
    if values.text("command") != nil, values.text("run") != nil {
      let statement = "it is for an interactive shell, and “run” for another one; give one of them"
      problems.append(.contradiction(key: "command", statement: statement))
    }
    guard problems.isEmpty else { throw .problems(problems) }
  }

  /// The values, as far as they are what the table says.
  private init(_ values: SpecValues, directory: FilePath) {
    derivation = directory.pushing(FilePath(values.text("drv") ?? ""))
    name = values.text("name")
    (uid, gid) = (values.number("uid") ?? 0, values.number("gid") ?? 0)
    homeDirectory = values.text("homeDirectory") ?? ""
    shell = values.text("shell")
    commands =
      values.text("run").map { .run($0) } ?? values.text("command").map { .typed($0) } ?? .none
    (coreutils, cacert) = (values.text("coreutils"), values.text("cacert"))
    common = Self.commonKeys.reduce(into: [:]) { members, key in
      if let value = values.members[key.name] { members[key.name] = value }
    }
    self.directory = directory
  }

  /// The spec of the layered image that has the environment.
  ///
  /// - Throws: `SpecError`, when the derivation's name is none for an image.
  public func layered(
    _ environment: BuildEnvironment, now: DateText
  ) throws(SpecError) -> LayeredSpec {
    var document = common
    document["name"] = .string(name ?? "\(environment.name)-env")
    document["contents"] = [.string("helper:binSh=\(environment.shell.program)")]
    document["config"] = .object(environment.config)
    document["permissions"] = environment.permissions
    return try LayeredSpec(
      parsing: JSONValue.object(document).serialized(), directory: directory, now: now,
      architecture: environment.architecture)
  }
}

extension ShellSpec {
  /// The JSON Schema of the spec (draft 2020-12), made of what the parser goes by.
  public static var schema: JSONObject { table.schema }

  static let table = SpecTable(
    title: "An image with the build environment of a derivation: cooper build shell, cooper stream shell",
    keys: manualKeys + commonKeys + ownKeys,
    advice: [
      "contents": "packages are added to the derivation's own “nativeBuildInputs”",
      "config": "it follows from the derivation",
      "fromImage": "the image has what the derivation needs, and nothing else",
    ])

  /// In the order of the manual.
  private static let manualKeys: [SpecKey] =
    [
      .required(
        "drv", .text(.nonEmpty("the path of a .drv file")),
        "The derivation whose build environment it is: the file that nix-instantiate prints the path of."),
      SpecKey(
        "name", .text(BuildSpec.nameRule),
        "The name of the image. By default that of the derivation, and -env."),
      SpecKey("uid", .integer(0...4_294_967_294), default: 1000, "The number of the user."),
      SpecKey("gid", .integer(0...4_294_967_294), default: 1000, "The number of the user's group."),
      SpecKey("homeDirectory", .text(home), default: "/build", "The user's home directory."),
      SpecKey(
        "shell", .text(absolute),
        "The path of bash in the store. By default the derivation's builder, if that is one."),
      SpecKey(
        "command", .text(.any), "Commands for the shell, as if typed; then it ends. By default it goes on."),
      SpecKey("run", .text(.any), "The same for a shell that is not interactive."),
    ]

  /// Those of a layered image.
  private static let commonKeys = BuildSpec.keys(
    "tag", "compressor", "closure", "format", "layerCompression", "annotations", "labels")

  /// What nixpkgs has of its own accord.
  private static let ownKeys: [SpecKey] = [
    SpecKey(
      "coreutils", .text(absolute),
      "The package whose env is /usr/bin/env. By default the one that the derivation needs."),
    SpecKey(
      "cacert", .text(absolute),
      "The package with the certificates that programs are to trust. By default none."),
  ]

  private static let absolute = SpecText.absolutePath("the absolute path of something in the store")

  /// `/etc/passwd` has colons between its fields.
  private static let home = SpecText(
    "an absolute path without colons and line breaks", pattern: #"/[^\u0000:\n]*"#
  ) { $0.hasPrefix("/") && !$0.utf8.contains { [0, 10, UInt8(ascii: ":")].contains($0) } }
}
