import ImageArchive
import OCIModel
import Registry

/// What it takes to write an image with its manifest to a registry, a layout or an OCI archive.
struct CopyPlace {
  /// The image's name in a layout where the target has none.
  let name: String?
  /// Where the image comes from when that is a registry.
  var origin: Reference?
  /// The options of the destination's registry.
  let registry: RegistryOptions
  let messages: OutputOptions

  /// Opens `target`, lets `write` fill it, and completes it.
  ///
  /// - Precondition: `target` is no docker-archive, which has no manifest.
  func open<Result>(
    _ target: CopyTarget, _ write: (any ImageDestination) async throws -> Result
  ) async throws -> Result {
    switch target {
    case .registry(let reference, let furtherTags):
      let access = try RegistryAccess(registry, output: messages, domain: reference.domain, purpose: .push)
      defer { access.progress.finish() }
      return try await write(
        RegistryDestination(
          client: access.client, reference: reference, furtherTags: furtherTags, origin: origin))
    case .files(.ociLayout(let path, let given)):
      let layout = try OCILayoutWriter(at: path)
      if let temporary = layout.temporaryDirectory { Interruption.remove(temporary) }
      do {
        return try await write(OCILayoutDestination(layout, name: given ?? name))
      } catch {
        // Before a copy has begun nobody else does it, and the program may end before the writer is let go of.
        layout.abandon()
        throw error
      }
    case .files(.ociArchive(let path, let given)):
      let output = try OutputFile(path)
      let result = try await write(OCIArchiveDestination(output.archiveOutput, name: given ?? name))
      try output.commit()
      return result
    case .files(.dockerArchive): preconditionFailure("a docker-archive is written by itself")
    }
  }
}
