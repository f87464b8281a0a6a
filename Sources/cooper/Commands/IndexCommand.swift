import ArgumentParser
import Hashing
import ImageBuild
import OCIModel

/// `cooper index`: makes and edits indexes of several platforms.
struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Makes an index (manifest list) of images, or changes which images one has.",
    discussion: """
      Examples:
        cooper index create team/app:amd64 team/app:arm64 -o docker://registry.example.com/team/app:1.0
        cooper index filter debian:12 --platform linux/amd64 --platform linux/arm64 -o docker://registry.example.com/debian:12

      Indexes within indexes are taken apart. The platform of a single image is taken from its configuration. The result is Docker's manifest
      list when all images are Docker's, and an OCI index otherwise; manifests keep their bytes and digests, unless --format changes them.
      """,
    subcommands: [IndexCreate.self, IndexAdd.self, IndexRemove.self, IndexFilter.self])
}

/// What the subcommands of `index` have in common.
struct IndexOptions: ParsableArguments {
  @OptionGroup var result: ResultOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var sides: SideOptions
  @OptionGroup var messages: OutputOptions

  /// Makes an index, and writes it.
  func run(_ body: (TransformJob) async throws -> (contents: IndexContents, name: Reference?)) async throws {
    let job = try TransformJob(result, registry: registry, sides: sides, messages: messages)
    if case .files(.dockerArchive) = job.target {
      throw UsageError(
        "an index cannot be in a docker-archive; use oci:DIR, oci-archive:FILE or docker://HOST/NAME")
    }
    try await job.run {
      let (contents, name) = try await body(job)
      return (contents.source(), name)
    }
  }

  /// Edits the index at `location`.
  func edit(_ location: String, _ change: (TransformJob, inout IndexContents) async throws -> Void)
    async throws
  {
    try await run { job in
      let opened = try await job.open(location)
      var contents = try await IndexContents(index: opened.whole, at: location)
      try await change(job, &contents)
      return (contents, opened.reference)
    }
  }
}

/// `cooper index create`
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

/// `cooper index add`
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

/// `cooper index remove`
struct IndexRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Takes images out of an index, with their attestations.",
    discussion: """
      Example:
        cooper index remove team/app:1.0 --platform linux/386 -o docker://registry.example.com/team/app:1.0
      """)

  @Argument(help: "The index, at any location.")
  var index: String

  @Option(
    help: ArgumentHelp(
      "Take out the images for this platform, of all variants unless one is given. May be repeated.",
      valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var platform: [PlatformRequest] = []

  @Option(help: ArgumentHelp("Take out the entry with this digest. May be repeated.", valueName: "digest"))
  var digest: [String] = []

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if platform.isEmpty, digest.isEmpty {
      throw ValidationError("say by --platform or --digest what is to go.")
    }
  }

  mutating func run() async throws {
    let digests = try digest.map { try Digest(parsing: $0) }
    try await options.edit(index) { _, contents in
      try contents.remove(platforms: platform, digests: digests)
    }
  }
}

/// `cooper index filter`
struct IndexFilter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Keeps the images of an index that are for some platforms, with their attestations.",
    discussion: """
      Example:
        cooper index filter debian:12 --platform linux/amd64 --platform linux/arm64 -o oci:layout:12
      """)

  @Argument(help: "The index, at any location.")
  var index: String

  @Option(
    help: ArgumentHelp(
      "Keep the images for this platform, of all variants unless one is given. May be repeated.",
      valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var platform: [PlatformRequest] = []

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if platform.isEmpty { throw ValidationError("say by --platform what is to stay.") }
  }

  mutating func run() async throws {
    try await options.edit(index) { _, contents in try contents.filter(platforms: platform) }
  }
}
