import ArgumentParser
import Hashing
import OCIModel
import OrderedJSON
import Registry

/// `cooper digest`: what a tag names now.
struct DigestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "digest",
    abstract: "Prints the digest that an image is pinned by.",
    discussion: """
      It is the digest of what the tag names: of the index, where there is one. With --os, --arch or --variant it is
      the digest of that platform's manifest.

      Example:
        cooper digest nixos/nix:2.19.3
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST].")
  var reference: String

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Print JSON: reference, digest, media type, size in bytes.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let source = try Pull.registryReference(reference)
    let access = try RegistryAccess(registry, output: output, domain: source.domain)
    if platform.areGiven {
      let found = try await access.client.document(for: source, platform: platform.request()).descriptor
      try show(found.digest, of: source, mediaType: found.mediaType, byteCount: found.byteCount)
    } else {
      let found = try await access.client.digest(of: source)
      try show(found.digest, of: source, mediaType: found.mediaType, byteCount: found.byteCount)
    }
  }

  private func show(_ digest: Digest, of source: Reference, mediaType: MediaType?, byteCount: Int64?) throws {
    guard json else { return try Console.output("\(digest)") }
    try Console.output([
      "reference": .string(source.description),
      "digest": .string(digest.description),
      "mediaType": mediaType.map { .string($0.rawValue) } ?? .null,
      "size": byteCount.map { .integer($0) } ?? .null,
    ])
  }
}
