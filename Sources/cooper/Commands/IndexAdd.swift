import ArgumentParser
import ImageArchive
import ImageBuild

/// `cooper index add`: adds images to an index.
struct IndexAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds images to an index, behind those that it has.",
    discussion: """
      Example:
        cooper index add team/app:1.0 team/app:riscv64 -o docker://registry.example.com/team/app:1.0
      """)

  @Argument(help: "The index, at any location.")
  var index: String

  @Argument(help: "Images or indexes at any location. Images for platforms that the index has are refused.")
  var images: [String]

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if images.isEmpty { throw ValidationError("there is no image to add.") }
  }

  mutating func run() async throws {
    try await options.edit(index) { job, contents in
      for image in images { try await contents.add(job.open(image).whole, at: image) }
    }
  }
}
