import ArchiveIO
import ArgumentParser
import ImageArchive
import ImageBuild
import OCIModel
import SystemPackage

/// `cooper append`: puts layers on top of an image.
struct AppendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "append",
    abstract: "Puts layers on top of an image, or of every image of an index.",
    discussion: """
      Examples:
        cooper append debian:12.2 app.tar.gz conf/ -o docker://registry.example.com/team/app:1.0
        tar -c -C build . | cooper append oci:layout:base - -o oci:layout:app
        cooper append scratch rootfs.tar --platform linux/arm64 -o docker://registry.example.com/base:1

      A layer is a tar (plain, gz, zstd, bz2 or xz), a directory, or - for a tar from standard input; the first one is the lowest. Tars in gz and
      zstd keep their bytes, others are compressed with gz. Docker's manifests have no type for zstd: --format oci converts them.

      The image scratch has no layers, and is for --platform or else for this machine's.

      What is in a directory belongs to root, unless --owner says otherwise, and gets the time 1970-01-01T00:00:01Z, or SOURCE_DATE_EPOCH; so
      the same files give the same layer. The image's own layers are not read, and within one registry nothing but new layers is sent. So a
      directory takes the place of a link of that name in the image: where /bin is a link to usr/bin, files belong into usr/bin.
      """)

  @Argument(help: "The image, or index of images, at any location.")
  var image: String

  @Argument(help: ArgumentHelp("Tars and directories, the lowest layer first.", valueName: "layer"))
  var layers: [String]

  @Option(
    help: ArgumentHelp("User and group, by number, of everything in directories.", valueName: "uid:gid"))
  var owner = "0:0"

  @Option(
    help: ArgumentHelp(
      "When the image was made; written into the history, too. Default: the image's own.",
      valueName: "date|now"))
  var created: String?

  @OptionGroup var options: TransformOptions

  mutating func validate() throws {
    if layers.isEmpty { throw ValidationError("there is no layer to append.") }
    if (layers + [image]).count(where: { $0 == "-" }) > 1 {
      throw ValidationError("standard input can be read once only.")
    }
  }

  mutating func run() async throws {
    let time = try created.map(BuildClock.rfc3339)
    let epoch = try BuildClock.epoch()
    let owner = try TarOwner(option: owner)
    try await options.run(image) { job, _ in
      let scratch = job.cache
      let made = try await Thread.run { [layers] in
        try layers.map { text in
          let input =
            text == "-"
            ? try LayerInput(.standardInput, name: "-", scratch: scratch)
            : try LayerInput(
              FilePath(text), owner: owner, modificationTime: epoch.seconds, scratch: scratch)
          return try NewLayer(input, scratch: scratch)
        }
      }
      return Append(
        made, created: try time ?? BuildClock.rfc3339("@\(epoch.seconds)"), setsCreated: time != nil)
    }
  }
}

extension TarOwner {
  /// Reads the value of `--owner`.
  fileprivate init(option: String) throws {
    let parts = option.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count == 2, let user = parts[0], let group = parts[1], min(user, group) >= 0 else {
      throw UsageError("--owner “\(option)” should be two numbers, as 1000:100")
    }
    self.init(uid: user, gid: group)
  }
}
