import ArgumentParser
import OCIModel
import SystemPackage

/// `cooper stream conf`: what nixpkgs' stream script does with the same file.
struct StreamConf: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conf",
    abstract: "Writes the image that nixpkgs' stream script makes of a conf.json, byte for byte.",
    discussion: """
      Examples:
        cooper stream conf /nix/store/…-hello-conf.json | docker load
        cooper stream conf conf.json --repo_tag registry.example.com/hello:1.0 -o hello.tar
      """)

  @Argument(help: ArgumentHelp("What streamLayeredImage wrote for its script.", valueName: "conf.json"))
  var configuration: String

  @Option(
    name: [.customLong("repo_tag"), .customLong("repo-tag"), .customShort("t")],
    help: ArgumentHelp("The image's name and tag, instead of those in the file.", valueName: "name:tag"))
  var repoTag: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A file instead of standard output.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("Compress the archive: none, gz or zstd. Default: none.", valueName: "compressor"),
    transform: LayerEncoding.init(option:))
  var compressor: LayerEncoding?

  @OptionGroup var store: StoreOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let image = try await BuildFile.streamed(configuration, store: store, repoTag: repoTag)
    let target = CopyTarget.files(
      .dockerArchive(output == "-" ? nil : output.map { FilePath($0) }, name: nil))
    var job = LayeredImageJob(store: store, messages: messages)
    job.compressor = compressor
    try await job.write(image, to: target)
  }
}
