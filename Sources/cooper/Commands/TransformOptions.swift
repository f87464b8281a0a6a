import ArgumentParser
import ImageBuild

/// What the commands that change images have in common.
struct TransformOptions: ParsableArguments {
  @OptionGroup var choice: ChoiceOptions
  @OptionGroup var result: ResultOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var sides: SideOptions
  @OptionGroup var messages: OutputOptions

  /// Changes the images at `location`, all or the one that was chosen, by what `transform` says, and writes the result.
  func run(
    _ location: String, _ transform: (TransformJob, ImageSet) async throws -> any ImageTransform
  ) async throws {
    let job = try TransformJob(result, registry: registry, sides: sides, messages: messages)
    if location == EmptyImage.name { job.addEmptyImage(for: choice.platform) }
    try await job.run {
      let images = try await job.images(location, choosing: choice)
      let changed = try images.applying(await transform(job, images))
      return (changed, try await job.open(location).reference)
    }
  }
}
