import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// Fetches one image and writes it somewhere.
struct PullJob: Sendable {
  /// The image's documents.
  let remote: RemoteImage
  let client: RegistryClient
  let cache: BlobCache
  let progress: Progress

  /// Fetches the documents.
  ///
  /// - Throws: `Unpinned` for a reference without digest unless that is allowed; it names the digest to pin.
  init(
    source: Reference, platform: PlatformRequest, isUnpinnedAllowed: Bool, access: RegistryAccess,
    cache: BlobCache
  ) async throws {
    (client, progress) = (access.client, access.progress)
    self.cache = cache
    if source.digest == nil, !isUnpinnedAllowed {
      throw Unpinned(reference: source, digest: try await client.digest(of: source).digest)
    }
    remote = try await RemoteImage(source, platform: platform, client: client)
    progress.say("\(source): \(remote.manifest.digest), \(remote.manifest.value.layers.count) layers")
  }

  /// Fetches the layers and writes the image.
  ///
  /// `expected` is for docker-archives.
  ///
  /// - Throws: `HashMismatch` when the archive is not the expected one; nothing is left then.
  func write(
    to destination: PullDestination, named name: FinalName, era: DockerArchiveEra,
    expected: ExpectedHash? = nil,
    computingDigest: Bool = false
  ) async throws -> DockerArchiveWriter.Summary? {
    defer { progress.finish() }
    switch destination {
    case .dockerArchive(let path, _):
      return try await writeDockerArchive(
        to: path, named: name, era: era, expected: expected,
        computingDigest: computingDigest || expected != nil)
    case .ociLayout(let path, let given):
      try await writeLayout(to: path, name: given ?? name.givenTag)
    case .ociArchive(let path, let given):
      try await writeLayoutArchive(to: path, name: given ?? name.givenTag)
    }
    return nil
  }

  // MARK: docker-archive

  private func writeDockerArchive(
    to path: FilePath?, named name: FinalName, era: DockerArchiveEra, expected: ExpectedHash?,
    computingDigest: Bool
  ) async throws -> DockerArchiveWriter.Summary {
    let output = try OutputFile(path)
    let fetch = try await LayerFetch(remote, client: client, cache: cache, progress: progress)
    let writer = try DockerArchiveWriter(fetch.image, references: [name.reference], era: era)
    return try await fetch.run {
      let summary = try writer.write(to: output.archiveOutput, computingDigest: computingDigest)
      if let expected, let found = summary.digest, !expected.matches(found) {
        throw HashMismatch(
          expected: expected, found: found, otherEra: try Self.otherEra(of: writer, matching: expected))
      }
      try output.commit()
      return summary
    }
  }

  /// Which other generation of skopeo would have written the expected bytes.
  private static func otherEra(
    of writer: DockerArchiveWriter, matching expected: ExpectedHash
  ) throws -> DockerArchiveEra? {
    try DockerArchiveEra.allCases.reversed().first { era in
      guard era != writer.era else { return false }
      let other = try DockerArchiveWriter(writer.image, references: writer.references, era: era)
      return try other.write(to: .nowhere, computingDigest: true).digest.map(expected.matches) ?? false
    }
  }

  /// The digest of the docker-archive, which is written nowhere.
  func hash(named name: FinalName) async throws -> Digest {
    defer { progress.finish() }
    let fetch = try await LayerFetch(remote, client: client, cache: cache, progress: progress)
    let writer = try DockerArchiveWriter(fetch.image, references: [name.reference])
    let summary = try await fetch.run { try writer.write(to: .nowhere, computingDigest: true) }
    guard let digest = summary.digest else { preconditionFailure("a digest was asked for") }
    return digest
  }

  // MARK: OCI

  private func writeLayout(to path: FilePath, name: String?) async throws {
    let layout = try OCILayoutWriter(at: path)
    if let temporary = layout.temporaryDirectory { Interruption.remove(temporary) }
    try await copy(to: OCILayoutDestination(layout, name: name))
  }

  private func writeLayoutArchive(to path: FilePath?, name: String?) async throws {
    let output = try OutputFile(path)
    try await copy(to: OCIArchiveDestination(output.archiveOutput, name: name))
    try output.commit()
  }

  private func copy(to destination: any ImageDestination) async throws {
    let source = RegistrySource(remote, client: client, cache: cache, progress: progress)
    do {
      try await ImageCopy(from: source, to: destination, changes: .init(), scratch: cache).run()
    } catch {
      source.finish(isSuccess: false)
      throw error
    }
    source.finish()
  }

  // MARK: Facts

  /// What was pulled, as JSON.
  func description(
    of summary: DockerArchiveWriter.Summary?, named name: FinalName, destination: PullDestination
  ) -> JSONObject {
    var object = JSONObject()
    object["imageName"] = .string(remote.reference.name)
    object["imageDigest"] = .string(remote.top.digest.description)
    object["manifestDigest"] = .string(remote.manifest.digest.description)
    object["finalImageName"] = .string(name.reference.name)
    object["finalImageTag"] = .string(name.reference.tag ?? "latest")
    object["path"] = destination.path.map { .string($0.string) } ?? .null
    if let summary {
      object["bytes"] = .number(String(summary.byteCount))
      if let digest = summary.digest { object["hash"] = NixHash(digest).map { .string($0.sri) } }
      object["diffIDs"] = .array(summary.diffIDs.map { .string($0.description) })
    }
    return object
  }
}

/// A reference without a digest, where one was expected.
struct Unpinned: Error, CustomStringConvertible {
  var reference: Reference
  var digest: Digest
  var description: String {
    """
    \(reference) has no digest, so what it names may change. To pin what it names now:
      \(reference.withDigest(digest))
    (--unpinned takes whatever is there.)
    """
  }
}
