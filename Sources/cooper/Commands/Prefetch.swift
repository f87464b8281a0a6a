import ArchiveIO
import ArgumentParser
import Hashing
import ImageArchive
import NixStore
import OCIModel
import OrderedJSON
import Registry

/// `cooper prefetch`, and the program `nix-prefetch-docker`.
struct Prefetch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prefetch",
    abstract: "Finds the digest and the hash that pullImage wants, as nix-prefetch-docker does.",
    discussion: """
      Examples:
        cooper prefetch nixos/nix 2.19.3
        cooper prefetch --image-name nixos/nix --image-tag 2.19.3 --arch arm64 --json

      Called by the name nix-prefetch-docker, the program is this command.
      """)

  @Argument(help: "The image's name, and its tag or digest.")
  var words: [String] = []

  @Option(help: "The image's name.")
  var imageName: String?

  @Option(help: "The tag to look up. Default: latest.")
  var imageTag: String?

  @Option(help: "The digest to take, instead of looking up a tag.")
  var imageDigest: String?

  @Option(help: "The name of the image in the archive. Default: the image's name.")
  var finalImageName: String?

  @Option(help: "The tag of the image in the archive. Default: the image's tag, or latest.")
  var finalImageTag: String?

  @Option(help: "The operating system.")
  var os: String = "linux"

  @Option(help: "The architecture, in Go's spelling.")
  var arch: String = "amd64"

  @Option(help: "The variant, as v8.")
  var variant: String?

  @Flag(help: "Print JSON instead of a Nix expression.")
  var json = false

  @Flag(name: .customLong("sha256"), help: "Print the hash as sha256 in base 32, as before 2025.")
  var oldSpelling = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let request = try PrefetchRequest(self)
    let job = try await PullJob(
      source: request.reference, platform: PlatformRequest(os: os, architecture: arch, variant: variant),
      isUnpinnedAllowed: true,
      access: RegistryAccess(registry, output: messages, domain: request.reference.domain),
      cache: BlobCache(.current))
    let addition = StoreAddition(
      job: job, name: try request.finalName(), fileName: request.fileName, environment: .current)
    let found = try await addition.run()
    guard let hash = NixHash(found.digest) else { preconditionFailure("archives are hashed with SHA-256") }
    let result = PrefetchResult(
      request: request, imageDigest: job.remote.top.digest, hash: hash, path: found.path.description,
      usesOldSpelling: oldSpelling)
    if !messages.quiet { result.progressLines.forEach { Console.error($0) } }
    try Console.output(json ? result.json : result.nixExpression)
  }
}

/// What was asked for, once the many ways to say it are sorted out.
struct PrefetchRequest {
  let imageName: String
  let reference: Reference
  let finalImageName: String
  let finalImageTag: String

  init(_ command: Prefetch) throws {
    var words = command.words[...]
    guard let name = command.imageName ?? words.popFirst() else {
      throw UsageError("no image: cooper prefetch NAME [TAG or DIGEST]")
    }
    var tag = command.imageTag
    var digest = command.imageDigest
    if let word = words.popFirst() {
      // nix-prefetch-docker's own rule.
      if word.contains("sha256") {
        guard digest == nil else { throw UsageError("the digest is given twice: \(word) and --image-digest") }
        digest = word
      } else {
        guard tag == nil else { throw UsageError("the tag is given twice: \(word) and --image-tag") }
        tag = word
      }
    }
    if let word = words.first { throw UsageError("unexpected argument: \(word)") }
    let named = try Reference(parsing: name)
    // People also write NAME:TAG@DIGEST in one; the name printed is then the part before.
    imageName = Self.bareName(name, named)
    tag = tag ?? named.tag
    let pinned = try digest.map { try Digest(parsing: $0) } ?? named.digest
    reference = try named.withTag(tag ?? (pinned == nil ? "latest" : nil)).withDigest(pinned)
    finalImageName = command.finalImageName ?? imageName
    finalImageTag = command.finalImageTag ?? tag ?? "latest"
  }

  private static func bareName(_ text: String, _ reference: Reference) -> String {
    var name = text
    if let digest = reference.digest { name.removeLast("@\(digest)".count) }
    if let tag = reference.tag { name.removeLast(":\(tag)".count) }
    return name
  }

  /// The archive's name in the store, as pullImage makes it.
  var fileName: String {
    String("docker-image-\(finalImageName)-\(finalImageTag).tar".map { $0 == "/" || $0 == ":" ? "-" : $0 })
  }

  func finalName() throws -> FinalName {
    try FinalName(
      name: finalImageName, tag: finalImageTag, destination: .dockerArchive(nil, name: nil), source: reference
    )
  }
}

/// What nix-prefetch-docker prints.
struct PrefetchResult {
  var request: PrefetchRequest
  var imageDigest: Digest
  var hash: NixHash
  var path: String
  var usesOldSpelling: Bool

  private var hashText: String { usesOldSpelling ? hash.base32 : hash.sri }

  private var fields: [(name: String, value: String)] {
    [
      ("imageName", request.imageName),
      ("imageDigest", imageDigest.description),
      (usesOldSpelling ? "sha256" : "hash", hashText),
      ("finalImageName", request.finalImageName),
      ("finalImageTag", request.finalImageTag),
    ]
  }

  var progressLines: [String] {
    [
      "-> ImageName: \(request.imageName)",
      "-> ImageDigest: \(imageDigest)",
      "-> FinalImageName: \(request.finalImageName)",
      "-> FinalImageTag: \(request.finalImageTag)",
      "-> ImagePath: \(path)",
      "-> ImageHash: \(hashText)",
    ]
  }

  /// An attribute set.
  ///
  /// Names, tags and hashes have no characters that Nix would need escaped.
  var nixExpression: String {
    "{\n" + fields.map { "  \($0.name) = \"\($0.value)\";\n" }.joined() + "}"
  }

  var json: String {
    var object = JSONObject()
    for field in fields { object[field.name] = .string(field.value) }
    return String(decoding: JSONValue.object(object).serialized(.indented(by: 2)), as: UTF8.self)
  }
}
