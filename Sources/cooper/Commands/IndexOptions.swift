import ArgumentParser
import ImageBuild
import OCIModel

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
