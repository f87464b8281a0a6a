import ArgumentParser
import ImageArchive
import ImageBuild

/// `cooper index create`: puts images of several platforms together.
struct IndexCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes an index of images, and of the images of indexes.",
    discussion: """
      Example:
        cooper index create team/app:amd64 oci:layout:arm64 -o docker://registry.example.com/team/app:1.0
      """)

  @Argument(help: "Images or indexes at any location. Two images for one platform are refused.")
  var images: [String]

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if images.isEmpty { throw ValidationError("there is no image.") }
  }

  mutating func run() async throws {
    try await options.run { job in
      var contents = IndexContents()
      for image in images { try await contents.add(job.open(image).whole, at: image) }
      return (contents, nil)
    }
  }
}
