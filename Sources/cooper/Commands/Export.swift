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
      Members are “./…” in the order of their names, with the whiteouts of all layers applied. Nothing is unpacked, and no root is needed. As with \
      dockerTools.exportImage, files are of 1980 and further names of a file are copies.

      With --vm the layers are unpacked in a virtual machine, as dockerTools.exportImage does it, and it is that machine's kernel that says what files \
      there are. The tar has the same bytes; what no file system of Linux can hold is an error. It needs QEMU and a kernel (see “cooper doctor”), and \
      room in TMPDIR for the layers and the files of the image.

      Examples:
        cooper export image.tar -o root.tar
        cooper export docker.io/library/debian:12 | tar -C root -x
        cooper export oci:layout:1.0 --arch arm64 --keep-times --keep-hard-links -o root.tar
        cooper export image.tar --vm --disk-size 8192 -o root.tar
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var image: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file. By default standard output.", valueName: "file"))
  var output: String?

  @Flag(help: "Keep the times of files.")
  var keepTimes = false

  @Flag(help: "Write further names of a file as hard links.")
  var keepHardLinks = false

  @Flag(help: "Unpack the layers in a virtual machine.")
  var vm = false

  @Option(
    help: ArgumentHelp(
      "With --vm, what runs the machine: auto, kvm or tcg. By default auto: KVM, or emulation where it does not work.",
      valueName: "name"),
    transform: ScriptOptions.executor)
  var executor: BuildSpec.Executor?

  @Option(
    help: ArgumentHelp(
      "With --vm, the size of the machine's disk in MiB, which has room for the files. By default 1024.",
      valueName: "MiB"))
  var diskSize: Int?

  @OptionGroup var platform: PlatformOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func validate() throws {
    guard !vm else { return }
    if executor != nil { throw ValidationError("“--executor” is for “--vm” only.") }
    if diskSize != nil { throw ValidationError("“--disk-size” is for “--vm” only.") }
  }

  mutating func run() async throws {
    let machine = vm ? try await machine() : nil
    let file = try OutputFile(output == "-" ? nil : output.map { FilePath($0) })
    let (image, opened) = try await OpenedImage.documents(
      of: image, for: platform.request(), registry: registry, progress: messages)
    do {
      let style = FlatTarStyle(keepsTimes: keepTimes, keepsHardLinks: keepHardLinks)
      try await Self.write(to: file) { file in
        if let machine { return try await machine.write(image, style: style, to: file) }
        _ = try await FlatTar(image, style: style).write(to: file)
      }
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
    opened.finish(isSuccess: true)
  }

  private func machine() async throws -> MachineExport {
    try await MachineExport(executor ?? .auto, diskSize: diskSize ?? 1024) {
      if !messages.quiet { Console.error("cooper: \($0)") }
    }
  }

  private static func write(
    to output: OutputFile, _ write: (DirectFile) async throws -> Void
  ) async throws {
    switch output {
    case .new(let file):
      try await write(file.file)
      try output.commit()
    case .stream:
      let scratch = try NewFile(at: ProcessEnvironment.current.temporaryDirectory.appending("export")).file
      try await write(scratch)
      try await Thread.run { try output.archiveOutput.write(FileRange(whole: scratch).open()) }
    }
  }
}
