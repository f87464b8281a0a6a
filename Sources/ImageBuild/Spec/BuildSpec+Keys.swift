import OCIModel
import OrderedJSON

extension BuildSpec {
  /// The keys that mean the same in every spec, by name.
  static let keys: [String: SpecKey] = Dictionary(uniqueKeysWithValues: allKeys.map { ($0.name, $0) })

  /// Some of those keys, in that order.
  ///
  /// - Precondition: They are there.
  static func keys(_ names: String...) -> [SpecKey] {
    names.map { name in
      guard let key = keys[name] else { preconditionFailure("the specs have no key \(name) in common") }
      return key
    }
  }

  private static let allKeys: [SpecKey] = [
    .required("name", .text(nameRule), "The name of the image; it is lower-cased."),
    SpecKey(
      "tag", .text(tagRule),
      "The tag of the image. By default 32 characters of a hash of everything that defines the image."),
    SpecKey(
      "fromImage", .text(.nonEmpty("the location of an image")),
      "The base image: an archive, a layout, or docker://NAME. By default none."),
    SpecKey(
      "fromImageName", .text(.nonEmpty("the name of an image")),
      "Which image of an archive with several; by default the first."),
    SpecKey("fromImageTag", .text(tagRule), "The tag of that image."),
    SpecKey(
      "config", .object, default: [:],
      "How containers are started: Cmd, Entrypoint, Env and the rest of the OCI image configuration."),
    SpecKey(
      "architecture", .text(.nonEmpty("the name of an architecture")),
      "In Go's spelling, such as amd64 or arm64. By default that of this machine."),
    SpecKey("created", .text(dateRule), default: epoch, "When the image was made; “now” is this instant."),
    SpecKey(
      "compressor", .choice(compressors),
      "How a finished archive is compressed. By default gz for docker-archive, and none otherwise."),
    SpecKey(
      "closure", .text(.nonEmpty("the path of a file")),
      "A file with the reference graph of the store paths. By default nix-store is asked."),
    SpecKey(
      "format", .choice(Format.allCases.map(\.rawValue)), default: "docker-archive",
      "What the image is written as."),
    SpecKey(
      "layerCompression", .choice(compressors),
      "How each layer is compressed in OCI outputs and when it is pushed. By default as the destination has it."
    ),
    SpecKey(
      "inherit", .choice(Inheritance.allCases.map(\.rawValue)), default: "env",
      "What is taken from the base's configuration: its variables, or all of it as FROM does."),
    SpecKey(
      "permissions", .list(of: .record(PermissionRule.keys)), default: [],
      "Modes, owners and attributes that files get in the layers."),
    SpecKey(
      "executor", .choice(Executor.allCases.map(\.rawValue)), default: "auto",
      "Where scripts run: a machine with KVM or without, or namespaces."),
    SpecKey(
      "variant", .text(.nonEmpty("the variant of an architecture, such as \"v7\"")),
      "The variant of the architecture, such as v7."),
    SpecKey("annotations", .map(of: .text(.any)), default: [:], "Annotations of the manifest."),
    SpecKey(
      "labels", .map(of: .text(.any)), default: [:], "Labels of the image, in addition to those in “config”."),
  ]

  static let epoch: JSONValue = "1970-01-01T00:00:01Z"
  private static let compressors = ["none", "gz", "zstd"]

  static let dateRule = SpecText(
    "“now”, or a date like 2024-01-31, 2024-01-31T10:11:12+02:00 or @1706695872",
    pattern: "now|\(DateText.inputPattern)"
  ) { $0 == "now" || DateText(input: $0) != nil }

  private static let tagRule = SpecText(
    "a tag: 1 to 128 letters, digits, _, . and -, not beginning with . or -",
    pattern: "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
  ) { tag in (try? Reference(parsing: "name").withTag(tag)) != nil }

  /// The grammar of registry-protocol.md, section 14, for a name that may have capital letters.
  static let nameRule: SpecText = {
    let host = #"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"#
    let component = "[A-Za-z0-9]+(?:(?:[.]|_|__|-+)[A-Za-z0-9]+)*"
    let expectation = "the name of a repository, such as hello or registry.example.com/team/hello"
    let pattern = "(?:(?:\(host)|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?/)?\(component)(?:/\(component))*"
    return SpecText(expectation, pattern: pattern) { (name) throws(SpecText.Refusal) in
      // Some letters of other alphabets become ASCII when they are lower-cased.
      let isASCII = name.utf8.allSatisfy { $0 < 0x80 }
      guard isASCII, let reference = try? Reference(parsing: name.lowercased()) else {
        throw SpecText.Refusal(expected: expectation)
      }
      guard reference.tag == nil, reference.digest == nil else {
        throw SpecText.Refusal(expected: "\(expectation), without tag; that has the key “tag”")
      }
    }
  }()
}
