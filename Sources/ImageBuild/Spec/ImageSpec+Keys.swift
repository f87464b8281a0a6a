import OCIModel
public import OrderedJSON

extension ImageSpec {
  /// The JSON Schema of the spec (draft 2020-12), made of what the parser goes by.
  public static var schema: JSONObject { table.schema }

  static let table = SpecTable(
    title: "An image with one layer on top of its base: cooper build image",
    keys: manualKeys + ownKeys,
    advice: [
      "fakeRootCommands": "it belongs to `cooper build layered`; here “runAsRoot” does it",
      "enableFakechroot": "it belongs to `cooper build layered`; “runAsRoot” always has the image as /",
      "maxLayers": "it belongs to `cooper build layered`; this image has one layer on top of its base",
      "includeStorePaths": "it belongs to `cooper build layered`",
      "layering": "it belongs to `cooper build layered`; this image has one layer on top of its base",
      "mtime": "it belongs to `cooper build layered`; files of this image are of 1980, as nixpkgs has them",
      "uname": "it belongs to `cooper build layered`; “permissions” gives owners names here",
      "gname": "it belongs to `cooper build layered`; “permissions” gives groups names here",
      "meta": "it describes derivations, and nothing here reads it",
    ])

  private static let directories = SpecShape.either([
    .text(ContentsItem.rule), .list(of: .text(ContentsItem.rule)),
  ])

  private static let megabytes = SpecShape.integer(1...1_000_000_000)

  /// In the order of the manual.
  private static let manualKeys: [SpecKey] =
    BuildSpec.keys("name", "tag", "fromImage", "fromImageName", "fromImageTag") + [
      SpecKey(
        "copyToRoot", directories, default: [],
        "Directories whose contents are copied into the root of the image: store paths, plain directories, or helper:NAME."
      ),
      SpecKey(
        "keepContentsDirlinks", .boolean, default: false,
        "Whether links to directories stay links (rsync -K) instead of becoming directories (rsync -k)."),
      SpecKey("runAsRoot", .text(.any), "A bash script that runs as root inside of the image."),
      SpecKey(
        "extraCommands", .text(.any), default: "", "A bash script that changes the layer before it is packed."
      ),
    ] + BuildSpec.keys("config", "architecture") + [
      SpecKey("diskSize", megabytes, default: 1024, "The disk of the machine for “runAsRoot”, in MiB."),
      SpecKey("buildVMMemorySize", megabytes, default: 512, "Its memory, in MiB."),
    ] + BuildSpec.keys("created") + [
      SpecKey("uid", .integer(0...4_294_967_294), default: 0, "The owner of the copied files."),
      SpecKey("gid", .integer(0...4_294_967_294), default: 0, "The group of the copied files."),
    ] + BuildSpec.keys("compressor") + [
      SpecKey(
        "includeNixDB", .boolean, default: false, "Whether a Nix database of “copyToRoot” is in the image."),
      SpecKey("contents", directories, default: [], "The old name of “copyToRoot”."),
    ]

  /// design.md, section 4.
  private static let ownKeys: [SpecKey] =
    BuildSpec.keys("closure", "format", "layerCompression", "inherit", "permissions") + [
      SpecKey(
        "remove", .list(of: .text(path)), default: [],
        "Files and directories of the base image that are not in this one.")
    ] + BuildSpec.keys("executor", "variant", "annotations", "labels")

  private static let path = SpecText(
    "the path of a file in the image, without “..”", pattern: #"/*[^/\u0000].*"#
  ) {
    let names = $0.split(separator: "/")
    return !names.isEmpty && !$0.utf8.contains(0) && !names.contains { $0 == "." || $0 == ".." }
  }
}
