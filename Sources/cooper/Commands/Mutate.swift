import ArgumentParser
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON

/// `cooper mutate`: changes what an image says of itself.
struct Mutate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Changes configuration and annotations of an image, or of every image of an index.",
    discussion: """
      Examples:
        cooper mutate team/app:1.0 --env MODE=production --unset-env DEBUG --user 1000 -o docker://registry.example.com/team/app:1.0-prod
        cooper mutate oci:layout:app --entrypoint '["/bin/app", "--port", "80"]' --port 80 --created now -o oci:layout:app

      --cmd and --entrypoint take a JSON list, or words separated by blanks; words with quotation marks or blanks inside need a list, and no
      shell is involved. As in Docker, a new entrypoint takes the old arguments away, unless --cmd is given. An empty text takes a member away.
      Layers, and members of the configuration that nothing is said of, stay as they are.
      """)

  @Argument(help: "The image, or index of images, at any location.")
  var image: String

  @Option(
    help: ArgumentHelp("Set a variable. May be repeated, as the options below.", valueName: "name=value"))
  var env: [String] = []

  @Option(help: ArgumentHelp("Take a variable away.", valueName: "name"))
  var unsetEnv: [String] = []

  @Option(help: ArgumentHelp("Set a label.", valueName: "name=value"))
  var label: [String] = []

  @Option(help: ArgumentHelp("Take a label away.", valueName: "name"))
  var unsetLabel: [String] = []

  @Option(
    help: ArgumentHelp("Set an annotation of the manifests, and of the index.", valueName: "name=value"))
  var annotation: [String] = []

  @Option(help: ArgumentHelp("Take an annotation away.", valueName: "name"))
  var unsetAnnotation: [String] = []

  @Option(
    name: [.customLong("port"), .customLong("expose")],
    help: ArgumentHelp("Add a port: 80, 80/tcp, 53/udp.", valueName: "port"))
  var port: [String] = []

  @Option(help: ArgumentHelp("Add a directory that containers keep outside.", valueName: "path"))
  var volume: [String] = []

  @Option(help: ArgumentHelp("The program and its first arguments.", valueName: "words"))
  var entrypoint: String?

  @Option(
    help: ArgumentHelp("The arguments, or the program where there is no entrypoint.", valueName: "words"))
  var cmd: String?

  @Option(help: ArgumentHelp("User and group, by name or number.", valueName: "user[:group]"))
  var user: String?

  @Option(help: ArgumentHelp("Where the process starts.", valueName: "path"))
  var workdir: String?

  @Option(help: ArgumentHelp("The signal that ends a container.", valueName: "signal"))
  var stopSignal: String?

  @Option(
    help: ArgumentHelp("When the image was made. SOURCE_DATE_EPOCH says what now is.", valueName: "date|now"))
  var created: String?

  @Option(
    help: ArgumentHelp("What the image is for; an index says so, too.", valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var setPlatform: PlatformRequest?

  @OptionGroup var options: TransformOptions

  mutating func run() async throws {
    let edits = try edits()
    try await options.run(image) { _, _ in edits }
  }

  private func edits() throws -> ConfigEdits {
    var edits = ConfigEdits()
    edits.environment = NamedEdits(values: try Self.pairs(env, option: "--env"), removed: unsetEnv)
    edits.labels = NamedEdits(values: try Self.pairs(label, option: "--label"), removed: unsetLabel)
    edits.annotations = NamedEdits(
      values: try Self.pairs(annotation, option: "--annotation"), removed: unsetAnnotation)
    edits.ports = try port.map(Self.port)
    edits.volumes = volume
    edits.entrypoint = try entrypoint.map { try Self.words($0, option: "--entrypoint") }
    edits.command = try cmd.map { try Self.words($0, option: "--cmd") }
    edits.user = user
    edits.workingDirectory = workdir
    edits.stopSignal = stopSignal
    edits.created = try created.map(BuildClock.rfc3339)
    edits.platform = setPlatform.map {
      Platform(os: $0.os, architecture: $0.architecture, variant: $0.variant)
    }
    return edits
  }

  // MARK: Values

  private static func pairs(_ texts: [String], option: String) throws -> Annotations {
    var result = Annotations()
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw UsageError("\(option) “\(text)” should be NAME=VALUE")
      }
      result[parts[0]] = parts[1]
    }
    return result
  }

  /// `80` is a port of TCP, as in Docker.
  private static func port(_ text: String) throws -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let number = parts.first, let value = UInt16(number), value > 0, parts.count <= 2,
      parts.count == 1 || ["tcp", "udp", "sctp"].contains(parts[1])
    else {
      throw UsageError("--port “\(text)” should be a number from 1 to 65535, perhaps with /tcp or /udp")
    }
    return "\(value)/\(parts.count > 1 ? parts[1] : "tcp")"
  }

  private static func words(_ text: String, option: String) throws -> [String] {
    guard text.utf8.first == UInt8(ascii: "[") else {
      guard !text.utf8.contains(where: { #""'\"#.utf8.contains($0) }) else {
        throw UsageError(
          "\(option) “\(text)” has quotation marks, which no shell takes off here; give a JSON list of words")
      }
      return text.split(separator: " ").map(String.init)
    }
    let list = (try? JSONValue(parsing: Array(text.utf8)))?.array
    guard let list, case let words = list.compactMap(\.string), words.count == list.count else {
      throw UsageError("\(option) “\(text)” should be a JSON list of texts, or words")
    }
    return words
  }
}
