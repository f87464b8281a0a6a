import OCIModel
public import OrderedJSON

extension LayeredSpec {
  /// The JSON Schema of the spec (draft 2020-12), made of what the parser goes by.
  public static var schema: JSONObject { table.schema }

  static let table = SpecTable(
    title: "A layered image: cooper build layered, cooper stream layered",
    keys: manualKeys + ownKeys,
    advice: [
      "copyToRoot": "it belongs to `cooper build image`; here it is called “contents”",
      "keepContentsDirlinks":
        "it belongs to `cooper build image`; links to directories are kept safe here by themselves",
      "runAsRoot":
        "it belongs to `cooper build image`; here “fakeRootCommands” with “enableFakechroot” does it",
      "diskSize": "it belongs to `cooper build image`; no disk is needed here",
      "buildVMMemorySize": "it belongs to `cooper build image`; no machine is needed here",
      "meta": "it describes derivations, and nothing here reads it",
      "layeringPipeline": "“layering” takes an explicit list of lists of paths",
    ])

  /// In the order of the manual.
  private static let manualKeys: [SpecKey] =
    BuildSpec.keys("name", "tag", "fromImage", "fromImageName", "fromImageTag") + [
      SpecKey(
        "contents", .either([.text(ContentsItem.rule), .list(of: .text(ContentsItem.rule))]), default: [],
        "Directories whose contents are visible in the root of the image: store paths, plain directories, or helper:NAME."
      )
    ] + BuildSpec.keys("config", "architecture", "created") + [
      SpecKey(
        "mtime", .text(BuildSpec.dateRule), default: BuildSpec.epoch,
        "When the files of store paths were changed."),
      SpecKey("uid", .integer(0...4_294_967_294), default: 0, "The owner of the store paths."),
      SpecKey("gid", .integer(0...4_294_967_294), default: 0, "The group of the store paths."),
      SpecKey("uname", .text(.any), default: "root", "The name of the owner."),
      SpecKey("gname", .text(.any), default: "root", "The name of the group."),
      SpecKey(
        "maxLayers", .integer(2...1_000_000), default: 100,
        "The most layers of the image, with those of the base. Docker takes at most 127."),
      SpecKey(
        "extraCommands", .text(.any), default: "", "A bash script that changes the layer of “contents”."),
      SpecKey(
        "fakeRootCommands", .text(.any), default: "",
        "A bash script that does so as somebody who believes to be root, and can change owners."),
      SpecKey(
        "enableFakechroot", .boolean, default: false, "Whether the layer is / for “fakeRootCommands”."),
      SpecKey(
        "includeStorePaths", .boolean, default: true,
        "Whether the store paths themselves are in the image, beside the links to them."),
      SpecKey(
        "includeNixDB", .boolean, default: false, "Whether a Nix database of “contents” is in the image."),
      SpecKey("passthru", .object, default: [:], "Anything, for other programs; it changes nothing."),
    ] + BuildSpec.keys("compressor")

  /// design.md, section 4.
  private static let ownKeys: [SpecKey] =
    BuildSpec.keys("closure") + [
      SpecKey(
        "layering",
        .either([.choice(["popularity", "auto"]), .list(of: .list(of: .text(storePath), minimum: 1))]),
        default: "popularity",
        "How store paths become layers: by popularity, as the newest nixpkgs does it (auto), or the paths of each layer."
      )
    ]
    + BuildSpec.keys(
      "format", "layerCompression", "inherit", "permissions", "executor", "variant", "annotations", "labels")

  private static let storePath = SpecText.absolutePath("the absolute path of a store path")
}
