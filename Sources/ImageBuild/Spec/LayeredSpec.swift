import ArchiveIO
public import OrderedJSON
public import SystemPackage

/// What `cooper build layered` and `cooper stream layered` are told: the inputs of nixpkgs' `buildLayeredImage` (dockerTools-manual.md)
/// and the additions of design.md, section 4.
public struct LayeredSpec: KindOfSpec, Hashable {
  /// How store paths become layers.
  public enum Layering: Sendable, Hashable {
    /// The most popular paths each get a layer (nix-dockertools.md, section 3.3).
    case popularity
    /// The rule of the newest nixpkgs (section 3.2).
    case auto
    /// The paths of each layer.
    case explicit([[String]])
  }

  /// What every image has.
  public var common: BuildSpec
  /// When the files of store paths were changed.
  public var modified: DateText
  /// The most layers that the image may have, the base's and the customisation layer included.
  public var maxLayers: Int
  /// Run in the tree of `contents` after `extraCommands`, as a root who is not real.
  public var fakeRootCommands: String
  /// Whether that root sees the tree as `/`.
  public var enableFakechroot: Bool
  /// Whether the store paths are in the image at all.
  public var includeStorePaths: Bool
  /// Anything; it is for others.
  public var passthru: JSONObject
  /// How store paths become layers.
  public var layering: Layering

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
    self.init(values, source: SpecSource(directory: directory, now: now, architecture: architecture))
    problems += common.contradictions(values) + layeringContradictions
    guard problems.isEmpty else { throw .problems(problems) }
  }

  /// The values, as far as they are what the table says.
  private init(_ values: SpecValues, source: SpecSource) {
    common = BuildSpec(values, contentsKeys: ["contents"], source: source)
    common.owner.userName = values.text("uname") ?? ""
    common.owner.groupName = values.text("gname") ?? ""
    modified = source.date(values, "mtime")
    maxLayers = Int(values.number("maxLayers") ?? 0)
    fakeRootCommands = values.text("fakeRootCommands") ?? ""
    enableFakechroot = values.flag("enableFakechroot")
    includeStorePaths = values.flag("includeStorePaths")
    passthru = values["passthru"].object ?? [:]
    layering = Layering(values["layering"])
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
