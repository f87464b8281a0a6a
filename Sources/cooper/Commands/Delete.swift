import ArchiveIO
import ArgumentParser
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// `cooper delete`: takes an image away.
struct Delete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Deletes an image from a registry, or from the index of an OCI layout.",
    discussion: """
      By digest, a registry forgets the manifest with all its tags; by tag, the tag alone, which not every registry can. What nothing
      names any more is removed by the registry when it pleases, and from a layout by cooper gc.

      Examples:
        cooper delete registry.example.com/team/app@sha256:473a2b527958665554806aea24d0131bacec46d23af09fef4598eeab331850fa
        cooper delete registry.example.com/team/app:1.0
        cooper delete oci:layout:1.0
      """)

  @Argument(help: "The image: NAME:TAG or NAME@DIGEST in a registry, or oci:DIR:TAG or oci:DIR:@DIGEST.")
  var image: String

  @Flag(help: "Print what was deleted as JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    switch try ImageLocation(image) {
    case .ociLayout(let path, let name?): try await deleteEntries(ImageSelector(parsing: name), in: path)
    case .ociLayout, .ociArchive, .dockerArchive, .standardStream:
      throw UsageError("“\(image)” cannot be deleted; give NAME:TAG, NAME@DIGEST or oci:DIR:TAG")
    case .path: throw UsageError("“\(image)” is a path; an image in a layout is deleted by oci:DIR:TAG")
    case .registry(let reference): try await delete(reference)
    }
  }

  private func deleteEntries(_ selector: ImageSelector, in path: FilePath) async throws {
    let removed = try await Thread.run { try OCILayoutEditor(path).remove(selector) }
    try report(removed.map(\.digest.description), note: "its blobs stay until cooper gc \(path)")
  }

  private func delete(_ reference: Reference) async throws {
    // Nobody means `latest` without saying so.
    guard reference.tag != nil || reference.digest != nil else {
      throw UsageError("“\(image)” has neither tag nor digest; say which image is to be deleted")
    }
    guard reference.tag == nil || reference.digest == nil else {
      throw UsageError(
        "“\(image)” has a tag and a digest; deleting by digest takes all tags of it, so leave one of them out"
      )
    }
    let access = try RegistryAccess(registry, output: output, domain: reference.domain, purpose: .push)
    let client = access.client
    let document = reference.digest == nil ? nil : try await client.document(for: reference)
    try await client.delete(reference)
    if let document, let subject = document.subject {
      try await client.removeReferrer(document.digest, of: subject.digest, in: reference)
    }
    try report(reference.digest.map { [$0.description] } ?? [], note: nil)
  }

  private func report(_ digests: [String], note: String?) throws {
    if json {
      try Console.output(["image": .string(image), "digests": .array(digests.map { .string($0) })])
    } else if !output.quiet {
      Console.error("\(image.printable): deleted" + (note.map { "; \($0)" } ?? ""))
    }
  }
}
