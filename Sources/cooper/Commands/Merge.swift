import ArchiveIO
import ArgumentParser
import Glibc
import ImageArchive
import ImageBuild
import OCIModel
import SystemPackage

/// `cooper merge`: dockerTools' mergeImages.
struct Merge: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts several images into one docker-archive.",
    discussion: """
      Each keeps its configuration and its names; layers that they have in common are there once. Of an archive with several images all are taken.

      Examples:
        cooper merge web.tar.gz worker.tar.gz -o all.tar
        cooper merge app:1.0=oci:layout:1.0 docker.io/library/redis:7 | docker load
      """)

  @Argument(
    help: ArgumentHelp(
      "The images: any locations, with NAME:TAG= in front for another name.", valueName: "image"))
  var images: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The file. By default standard output.", valueName: "file"))
  var output: String?

  @Option(
    help: "The compression of the archive: none, gz or zstd. Default: none.",
    transform: LayerEncoding.init(option:))
  var compressor: LayerEncoding?

  @OptionGroup var platform: PlatformOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let file = try OutputFile(output == "-" ? nil : output.map { FilePath($0) })
    let cache = BlobCache(.current)
    var opened: [OpenedImage] = []
    do {
      var items: [MergedArchive.Item] = []
      for text in images {
        let (name, location) = Self.split(text)
        let found = try await OpenedImage.all(
          at: location, registry: registry, progress: messages, cache: cache)
        if let name, found.count > 1 {
          throw UsageError("\(location) has \(found.count) images, which cannot all be called \(name)")
        }
        opened += found.map(\.image)
        for (image, names) in found {
          let base = try await BaseImage(image.image(for: platform.request()), name: image.name)
          items.append(MergedArchive.Item(base, names: name.map { [$0] } ?? names.filter(Self.isName)))
        }
      }
      let archive = try MergedArchive(items)
      try await Thread.run { [compressor] in
        try archive.write(to: file.archiveOutput, compressor: compressor?.compression ?? .none)
        try file.commit()
      }
    } catch {
      opened.forEach { $0.finish(isSuccess: false) }
      throw error
    }
    opened.forEach { $0.finish(isSuccess: true) }
  }

  /// Takes a name apart that is in front of a location.
  private static func split(_ text: String) -> (name: String?, location: String) {
    let parts = text.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, access(text, F_OK) != 0, isName(String(parts[0])) else { return (nil, text) }
    return (String(parts[0]), String(parts[1]))
  }

  /// Whether Docker could call an image that: a layout's names can be anything.
  private static func isName(_ text: String) -> Bool {
    (try? Reference(parsing: text)).map { $0.tag != nil && $0.digest == nil } ?? false
  }
}
