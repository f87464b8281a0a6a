import ArgumentParser
import ImageArchive
import OCIModel
import OrderedJSON

/// `cooper diff`: what changed between two images.
struct Diff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Lists files that were added (A), changed (C) and deleted (D), and changes of the configuration.",
    discussion: """
      The file systems are compared as a container would see them, with the whiteouts of all layers applied. Layers that both images have are
      read once, and nothing is unpacked.

      Examples:
        cooper diff registry.example.com/team/app:1.0 registry.example.com/team/app:1.1
        cooper diff oci:layout:old image.tar --json
        cooper diff --exit-code old.tar new.tar || echo different
      """)

  @Argument(help: "The first image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var first: String

  @Argument(help: "The second image.")
  var second: String

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Compare the times of files, too.")
  var mtime = false

  @Flag(help: "Exit with 1 when the images differ.")
  var exitCode = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let (old, firstOpened) = try await OpenedImage.documents(
      of: first, for: platform.request(), registry: registry, progress: output)
    var opened = [firstOpened]
    let difference: ImageDifference
    do {
      let (new, secondOpened) = try await OpenedImage.documents(
        of: second, for: platform.request(), registry: registry, progress: output)
      opened.append(secondOpened)
      difference = try ImageDifference(
        config: ConfigDifference(from: ImageConfig(old.config), to: ImageConfig(new.config)),
        files: try await LayerStack.differences(from: old, to: new, comparingTimes: mtime))
    } catch {
      opened.forEach { $0.finish(isSuccess: false) }
      throw error
    }
    opened.forEach { $0.finish(isSuccess: true) }
    try show(difference)
    if exitCode, !difference.isEmpty { throw ExitCode(1) }
  }

  private func show(_ difference: ImageDifference) throws {
    if json {
      var object = difference.json
      object["first"] = .string(first)
      object["second"] = .string(second)
      return try Console.output(object)
    }
    for line in difference.lines { try Console.output(line) }
  }
}
