import ArchiveIO
import ArgumentParser
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// `cooper pull`: dockerTools' pullImage.
struct Pull: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fetches an image by digest and writes the archive whose hash Nix expressions pin.",
    discussion: """
      Example:
        cooper pull nixos/nix@sha256:473a2b527958665554806aea24d0131bacec46d23af09fef4598eeab331850fa -o nix.tar

      OUT is a file or - (docker-archive), a directory (OCI layout), or docker-archive:FILE[:NAME:TAG], oci:DIR[:TAG],
      oci-archive:FILE[:TAG]. The file appears when it is complete. An interrupted pull goes on where it stopped.
      """)

  @Argument(help: "The image: NAME[:TAG]@DIGEST.")
  var reference: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the image goes.", valueName: "out"))
  var output: String

  @OptionGroup var platform: PlatformOptions

  @Option(help: "The name of the image in the archive. Default: its own name.")
  var finalImageName: String?

  @Option(help: "The tag of the image in the archive. Default: its own tag, or latest.")
  var finalImageTag: String?

  @Option(help: "The expected SHA-256 of the archive: SRI, Nix base 32, or hexadecimal.")
  var hash: String?

  @Option(help: "docker-archive, oci or oci-archive. Default: what OUT suggests.")
  var format: PullDestination.Format?

  @Option(help: "Which skopeo's docker-archive to write: 3 (since 2020), 2, or 1.")
  var era: Int = 3

  @Flag(help: "Allow a reference without digest: whatever the tag names now.")
  var unpinned = false

  @Flag(help: "Print what was pulled as JSON on standard output.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let destination = try PullDestination(output, format: format)
    if json, destination.path == nil {
      throw UsageError("--json and an archive cannot both go to standard output")
    }
    guard let era = DockerArchiveEra(rawValue: era) else { throw UsageError("--era is 1, 2 or 3") }
    let expected = try hash.map { try ExpectedHash($0) }
    if expected != nil, !destination.isDockerArchive {
      throw UsageError("--hash is the hash of a docker-archive; there is none for OCI layouts")
    }
    let source = try Self.registryReference(reference)
    let names = try FinalName(
      name: finalImageName, tag: finalImageTag, destination: destination, source: source)
    let job = try await PullJob(
      source: source, platform: platform.request(), isUnpinnedAllowed: unpinned,
      access: RegistryAccess(registry, output: messages, domain: source.domain), cache: BlobCache(.current))
    let summary = try await job.write(to: destination, named: names, era: era, expected: expected)
    if json { try Console.output(job.description(of: summary, named: names, destination: destination)) }
  }

  static func registryReference(_ text: String) throws -> Reference {
    switch try ImageLocation(text) {
    case .registry(let reference): reference
    // A file of that name must not hide an image; section 2 of design.md is about what can be read from.
    case .path: try Reference(parsing: text)
    default: throw UsageError("“\(text)” is no image in a registry; to convert between files use cooper copy")
    }
  }
}

extension PullDestination.Format: ExpressibleByArgument {}

/// The name and tag that an image gets where it is put.
struct FinalName {
  /// Normalised, with a tag.
  let reference: Reference
  /// The tag that somebody gave; nil where `latest` only fills a gap. Layouts can do without a tag.
  let givenTag: String?

  /// The name asked for by option, by the destination, or the source's own; the tag alike, and `latest` in the end.
  init(name: String?, tag: String?, destination: PullDestination, source: Reference) throws {
    let fallback: Reference
    if case .dockerArchive(_, let given?) = destination {
      guard name == nil, tag == nil else {
        throw UsageError(
          "the name is given twice: after the path, and by --final-image-name or --final-image-tag")
      }
      fallback = try Reference(parsing: given)
    } else {
      fallback = source
    }
    let base = try name.map { try Reference(parsing: $0) } ?? fallback
    guard base.digest == nil || name == nil else {
      throw UsageError("--final-image-name \(base) has a digest; an image in an archive is named NAME:TAG")
    }
    givenTag = tag ?? base.tag ?? destination.tag
    reference = try base.withDigest(nil).withTag(givenTag ?? "latest")
  }
}

extension PullDestination {
  /// The tag that an OCI destination was given.
  fileprivate var tag: String? {
    switch self {
    case .dockerArchive: nil
    case .ociLayout(_, let name), .ociArchive(_, let name): name
    }
  }
}
