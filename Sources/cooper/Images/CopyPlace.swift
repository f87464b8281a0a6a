import ImageArchive
import OCIModel
import Registry

/// What it takes to write an image with its manifest to a registry, a layout or an OCI archive.
struct CopyPlace {
  /// The image's name in a layout where the target has none.
  let name: String?
  /// The repositories of registries that have a blob.
  var origins: @Sendable (Descriptor) -> [Reference] = { _ in [] }
  /// The options of the destination's registry.
  let registry: RegistryOptions
  /// What is used to talk to a registry, where somebody talks to it already.
  var access: RegistryAccess?
  let messages: OutputOptions

  /// Opens `target`, lets `write` fill it, and completes it.
  ///
  /// - Precondition: `target` is no docker-archive, which has no manifest.
  func open<Result>(
    _ target: CopyTarget, _ write: (any ImageDestination) async throws -> Result
  ) async throws -> Result {
    switch target {
    case .registry(let reference, let furtherTags):
      let access =
        try access
        ?? RegistryAccess(registry, output: messages, domain: reference.domain, purpose: .push)
      defer { access.progress.finish() }
      let destination = RegistryDestination(
        client: access.client, reference: reference, furtherTags: furtherTags, origins: origins,
        trustsOwnRepository: try RegistryEnvironment(registry).readsWhereItWrites(reference))
      return try await write(destination)
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
