public import ArchiveIO
public import OCIModel
public import OrderedJSON
public import SystemPackage

/// What `cooper build layered` and `cooper stream layered` are told: the inputs of nixpkgs' `buildLayeredImage` (dockerTools-manual.md)
/// and the additions of design.md, section 4.
public struct LayeredSpec: Sendable, Hashable {
  /// How store paths become layers.
  public enum Layering: Sendable, Hashable {
    /// The most popular paths each get a layer (nix-dockertools.md, section 3.3).
    case popularity
    /// The rule of the newest nixpkgs (section 3.2).
    case auto
    /// The paths of each layer.
    case explicit([[String]])
  }

  /// What the image is written as.
  public enum Format: String, Sendable, CaseIterable {
    /// What `docker load` reads.
    case dockerArchive = "docker-archive"
    /// A directory in OCI image layout.
    case oci
    /// A tar of such a directory.
    case ociArchive = "oci-archive"
  }

  /// What is taken from the configuration of the base image.
  public enum Inheritance: String, Sendable, CaseIterable {
    /// The variables, as nixpkgs does.
    case environment = "env"
    /// Everything, as `FROM` does.
    case all
  }

  /// Where scripts run (vm-executor.md).
  public enum Executor: String, Sendable, CaseIterable {
    case auto, kvm, tcg, namespace
  }

  /// As in the spec; `imageName` is what the image is called.
  public var name: String
  /// nil when it follows from what defines the image.
  public var tag: String?
  /// The base image.
  public var base: BaseLocation?
  /// Which image of the base's archive.
  public var baseName: String?
  /// Its tag.
  public var baseTag: String?
  /// What is visible in the image's root.
  public var contents: [ContentsItem]
  /// As in the spec; `runtimeConfig` is what goes into the image.
  public var config: JSONObject
  /// In Go's spelling.
  public var architecture: String
  /// Of the architecture: `v7`.
  public var variant: String?
  /// When the image was made.
  public var created: DateText
  /// When the files of store paths were changed.
  public var modified: DateText
  /// Whose the store paths are.
  public var owner: TarOwner
  /// The most layers that the image may have, the base's and the customisation layer included.
  public var maxLayers: Int
  /// Run in the tree of `contents`.
  public var extraCommands: String
  /// The same, as a root who is not real.
  public var fakeRootCommands: String
  /// Whether that root sees the tree as `/`.
  public var enableFakechroot: Bool
  /// Whether the store paths are in the image at all.
  public var includeStorePaths: Bool
  /// Whether a Nix database is.
  public var includeNixDB: Bool
  /// Anything; it is for others.
  public var passthru: JSONObject
  /// How a finished archive is compressed: none, gz or zstd.
  ///
  /// Without a say in the spec gz for a docker-archive, none otherwise.
  public var compressor: Compression
  /// A file with the reference graph.
  public var closure: FilePath?
  /// How store paths become layers.
  public var layering: Layering
  /// What the image is written as.
  public var format: Format
  /// How each layer is compressed where that can be chosen: none, gz or zstd; nil leaves it to the destination.
  public var layerCompression: Compression?
  /// What is taken from the base's configuration.
  public var inheritance: Inheritance
  /// Changes to modes and owners, in order.
  public var permissions: [PermissionRule]
  /// Where scripts run.
  public var executor: Executor
  /// Annotations of the manifest.
  public var annotations: Annotations
  /// Labels, in addition to those in `config`.
  public var labels: Annotations
  /// What is allowed and probably wrong, a line each.
  public var warnings: [String]

  /// Reads a spec.
  ///
  /// - Parameters:
  ///   - directory: where relative paths begin, usually that of the spec's file.
  ///   - now: what that word means as a date.
  ///   - architecture: Go's name for this machine's, the default.
  /// - Throws: `SpecError` with everything that is wrong in it.
  public init(
    parsing bytes: [UInt8], directory: FilePath, now: DateText, architecture: String
  ) throws(SpecError) {
    var (values, problems) = try Self.table.read(bytes)
    self.init(values, directory: directory, now: now, architecture: architecture)
    problems += contradictions(values)
    guard problems.isEmpty else { throw .problems(problems) }
    warnings = RuntimeConfigKeys.warnings(of: config) + architectureWarnings
  }

  /// The values, as far as they are what the table says.
  private init(_ values: SpecValues, directory: FilePath, now: DateText, architecture host: String) {
    func path(_ text: String) -> FilePath { directory.pushing(FilePath(text)) }
    func date(_ name: String) -> DateText {
      let text = values.text(name) ?? ""
      return text == "now" ? now : DateText(input: text) ?? DateText(seconds: 1)
    }
    name = values.text("name") ?? ""
    tag = values.text("tag")
    base = values.text("fromImage").map { BaseLocation(text: $0, directory: directory) }
    (baseName, baseTag) = (values.text("fromImageName"), values.text("fromImageTag"))
    contents = values.texts("contents").compactMap { try? ContentsItem(parsing: $0, directory: directory) }
    config = values["config"].object ?? [:]
    architecture = values.text("architecture") ?? host
    variant = values.text("variant")
    (created, modified) = (date("created"), date("mtime"))
    owner = TarOwner(
      uid: values.number("uid") ?? 0, gid: values.number("gid") ?? 0,
      userName: values.text("uname") ?? "", groupName: values.text("gname") ?? "")
    maxLayers = Int(values.number("maxLayers") ?? 0)
    extraCommands = values.text("extraCommands") ?? ""
    fakeRootCommands = values.text("fakeRootCommands") ?? ""
    enableFakechroot = values.flag("enableFakechroot")
    includeStorePaths = values.flag("includeStorePaths")
    includeNixDB = values.flag("includeNixDB")
    passthru = values["passthru"].object ?? [:]
    closure = values.text("closure").map(path)
    layering = Layering(values["layering"])
    let format: Format = values.choice("format") ?? .dockerArchive
    self.format = format
    compressor = values.choice("compressor") ?? (format == .dockerArchive ? .gzip : .none)
    layerCompression = values.choice("layerCompression")
    inheritance = values.choice("inherit") ?? .environment
    permissions = (values["permissions"].array ?? []).compactMap(\.object).map {
      PermissionRule(SpecValues(members: $0, keys: PermissionRule.keys))
    }
    executor = values.choice("executor") ?? .auto
    (annotations, labels) = (Annotations(values["annotations"]), Annotations(values["labels"]))
    warnings = []
  }
}

extension LayeredSpec.Layering {
  init(_ value: JSONValue) {
    self =
      switch value {
      case .string("auto"): .auto
      case .array(let layers): .explicit(layers.map { ($0.array ?? []).compactMap(\.string) })
      default: .popularity
      }
  }
}

extension Annotations {
  init(_ value: JSONValue) {
    self.init()
    for member in value.object?.members ?? [] { self[member.name] = member.value.string }
  }
}

extension LayeredSpec {
  /// The name of the image: lower-cased, as nixpkgs does.
  public var imageName: String { name.lowercased() }

  /// What goes into the image: `config` with the labels, sorted by name on every level as Nix writes it.
  public var runtimeConfig: JSONObject {
    var config = config
    if !labels.isEmpty {
      var all = config["Labels"]?.object ?? [:]
      for label in labels.entries { all[label.name] = .string(label.value) }
      config["Labels"] = .object(all)
    }
    return JSONValue.object(config).sorted().object ?? config
  }
}

extension JSONValue {
  /// The same value with the members of all objects in it sorted by the bytes of their names.
  func sorted() -> JSONValue {
    switch self {
    case .array(let elements): .array(elements.map { $0.sorted() })
    case .object(let object):
      .object(
        object.sorted().members.reduce(into: JSONObject()) { $0.append($1.name, $1.value.sorted()) })
    default: self
    }
  }
}
