import ArchiveIO
import ArgumentParser
import ImageArchive
import ImageBuild
import SystemPackage

/// `cooper export`: dockerTools' exportImage.
struct Export: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the file system of an image as one tar.",
    discussion: """
      Members are “./…” in the order of their names, with the whiteouts of all layers applied. Nothing is unpacked, and no root is needed. As with
      dockerTools.exportImage, files are of 1980 and further names of a file are copies.

      Examples:
        cooper export image.tar -o root.tar
        cooper export docker.io/library/debian:12 | tar -C root -x
        cooper export oci:layout:1.0 --platform linux/arm64 --keep-times --keep-hard-links -o root.tar
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var image: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file. By default standard output.", valueName: "file"))
  var output: String?

  @Flag(help: "Keep the times of files.")
  var keepTimes = false

  @Flag(help: "Write further names of a file as hard links.")
  var keepHardLinks = false

  @OptionGroup var platform: PlatformOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let file = try OutputFile(output == "-" ? nil : output.map { FilePath($0) })
    let (image, opened) = try await OpenedImage.documents(
      of: image, for: platform.request(), registry: registry, progress: messages)
    do {
      let style = FlatTarStyle(keepsTimes: keepTimes, keepsHardLinks: keepHardLinks)
      try await Self.write(FlatTar(image, style: style), to: file)
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
    opened.finish(isSuccess: true)
  }

  private static func write(_ tar: FlatTar, to output: OutputFile) async throws {
    switch output {
    case .new(let file):
      _ = try await tar.write(to: file.file)
      try output.commit()
    case .stream:
      let scratch = try NewFile(at: ProcessEnvironment.current.temporaryDirectory.appending("export")).file
      _ = try await tar.write(to: scratch)
      try await Thread.run { try output.archiveOutput.write(FileRange(whole: scratch).open()) }
    }
  }
}
