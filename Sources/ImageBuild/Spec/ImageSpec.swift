public import OrderedJSON
public import SystemPackage

/// What `cooper build image` is told: the inputs of nixpkgs' `buildImage` (dockerTools-manual.md) and the additions of design.md, section 4.
public struct ImageSpec: KindOfSpec, Hashable {
  /// What every image has; `contents` are `copyToRoot`.
  public var common: BuildSpec
  /// The date of the image as the configuration has it: the spec's own text where that is a complete one.
  public var createdText: String
  /// Whether links to directories stay links, and those that are there already lead to where directories go.
  public var keepContentsDirlinks: Bool
  /// Run as root inside of the image.
  public var runAsRoot: String?
  /// The disk for that, in MiB.
  public var diskSize: Int
  /// The memory for that, in MiB.
  public var memorySize: Int
  /// Paths of the base image that the image is not to have, without slash at the beginning.
  public var removed: [String]
  /// All that the spec says, for those who want to look at it.
  public var arguments: JSONObject

  /// Reads a spec; see `LayeredSpec`.
  ///
  /// - Throws: `SpecError` with everything that is wrong in it.
  public init(
    parsing bytes: [UInt8], directory: FilePath, now: DateText, architecture: String
  ) throws(SpecError) {
    var (values, problems) = try Self.table.read(bytes)
    self.init(values, source: SpecSource(directory: directory, now: now, architecture: architecture))
    problems += common.contradictions(values)
    if !values.isAbsent("contents"), !values.isAbsent("copyToRoot") {
      problems.append(
        .contradiction(key: "contents", statement: "it is the old name of “copyToRoot”, which is there too"))
    }
    if !removed.isEmpty, common.base == nil {
      problems.append(
        .contradiction(key: "remove", statement: "it removes files of “fromImage”, which is not given"))
    }
    guard problems.isEmpty else { throw .problems(problems) }
    if !values.isAbsent("contents") {
      common.warnings.append("“contents” is the old name of “copyToRoot”; use the new one")
    }
  }

  /// The values, as far as they are what the table says.
  private init(_ values: SpecValues, source: SpecSource) {
    common = BuildSpec(values, contentsKeys: ["copyToRoot", "contents"], source: source)
    let text = values.text("created") ?? ""
    createdText =
      if text == "now" {
        DateText(seconds: source.now.seconds).text
      } else {
        text.contains("T") && DateText(parsing: text) != nil ? text : common.created.text
      }
    keepContentsDirlinks = values.flag("keepContentsDirlinks")
    runAsRoot = values.text("runAsRoot")
    diskSize = Int(values.number("diskSize") ?? 0)
    memorySize = Int(values.number("buildVMMemorySize") ?? 0)
    removed = values.texts("remove").map { path in
      path.split(separator: "/").joined(separator: "/")
    }
    arguments = values.members
  }
}
