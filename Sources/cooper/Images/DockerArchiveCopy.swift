import ImageArchive
import OCIModel
import SystemPackage

/// An image of one platform on its way into a docker-archive, which has no place for its manifest.
struct DockerArchiveCopy {
  private let source: any ImageSource
  private let references: [Reference]

  /// The image that is the root of `source`, to be called `given` or, without its digest, `name`.
  init(_ source: any ImageSource, name given: String?, or name: Reference?) throws {
    self.source = source
    references =
      try (given.map { try Reference(parsing: $0) } ?? name).map { reference in
        [try reference.withDigest(nil).withTag(reference.tag ?? "latest")]
      } ?? []
  }

  /// Writes the archive to a file, or to standard output.
  ///
  /// - Throws: `NotAnImage` for an index.
  func write(to path: FilePath?) async throws {
    let fetch = LayerFetch(try await Image(source))
    let writer = try DockerArchiveWriter(fetch.image, references: references)
    let output = try OutputFile(path)
    try await fetch.run {
      _ = try writer.write(to: output.archiveOutput)
      try output.commit()
    }
  }
}
