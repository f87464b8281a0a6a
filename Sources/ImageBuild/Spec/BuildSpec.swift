public import ArchiveIO
public import OCIModel
public import OrderedJSON
public import SystemPackage

/// What the specs of all kinds of images say: the inputs that nixpkgs' functions have in common (dockerTools-manual.md) and the additions of
/// design.md, section 4.
public struct BuildSpec: Sendable, Hashable {
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
  /// What goes into the image's root: `contents` of a layered image, `copyToRoot` of one with a single layer.
  public var contents: [ContentsItem]
  /// As in the spec; `runtimeConfig` is what goes into the image.
  public var config: JSONObject
  /// In Go's spelling.
  public var architecture: String
  /// Of the architecture: `v7`.
  public var variant: String?
  /// When the image was made.
  public var created: DateText
  /// Whose the files are.
  public var owner: TarOwner
  /// Run in the tree of the contents.
  public var extraCommands: String
  /// Whether a Nix database is in the image.
  public var includeNixDB: Bool
  /// How a finished archive is compressed: none, gz or zstd.
  ///
  /// Without a say in the spec gz for a docker-archive, none otherwise.
  public var compressor: Compression
  /// A file with the reference graph.
  public var closure: FilePath?
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
  public var warnings: [String] = []

  /// The values, as far as they are what the table says; the first of `contentsKeys` that is given counts.
  init(_ values: SpecValues, contentsKeys: [String], source: SpecSource) {
    let directory = source.directory
    name = values.text("name") ?? ""
    tag = values.text("tag")
    base = values.text("fromImage").map { BaseLocation(text: $0, directory: directory) }
    (baseName, baseTag) = (values.text("fromImageName"), values.text("fromImageTag"))
    let contentsKey = contentsKeys.first { !values.isAbsent($0) } ?? contentsKeys[0]
    contents = values.texts(contentsKey).compactMap { try? ContentsItem(parsing: $0, directory: directory) }
    config = values["config"].object ?? [:]
    architecture = values.text("architecture") ?? source.architecture
    variant = values.text("variant")
    created = source.date(values, "created")
    owner = TarOwner(
      uid: values.number("uid") ?? 0, gid: values.number("gid") ?? 0, userName: "", groupName: "")
    extraCommands = values.text("extraCommands") ?? ""
    includeNixDB = values.flag("includeNixDB")
    closure = values.text("closure").map { directory.pushing(FilePath($0)) }
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
    warnings = RuntimeConfigKeys.warnings(of: config) + architectureWarnings
  }
}

/// Where a spec was read, and what words in it mean there.
struct SpecSource {
  /// Where relative paths begin.
  var directory: FilePath
  /// What “now” means as a date.
  var now: DateText
  /// Go's name for this machine's, the default.
  var architecture: String

  /// The date under a key.
  func date(_ values: SpecValues, _ name: String) -> DateText {
    let text = values.text(name) ?? ""
    return text == "now" ? now : DateText(input: text) ?? DateText(seconds: 1)
  }
}

extension Annotations {
  init(_ value: JSONValue) {
    self.init()
    for member in value.object?.members ?? [] { self[member.name] = member.value.string }
  }
}

extension BuildSpec {
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
