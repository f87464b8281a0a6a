import Hashing
import ImageArchive
import OCIModel
import Registry

/// An image in a registry: its documents are here and checked, its layers are not.
struct RemoteImage {
  /// What was asked for.
  let reference: Reference
  /// The document that the reference names: an index, or the manifest itself.
  let top: ManifestDocument
  /// The manifest of the chosen platform.
  let manifest: Encoded<Manifest>
  /// The configuration's bytes.
  let config: [UInt8]

  /// Fetches the documents behind `reference`, choosing `platform` where there is a choice.
  init(_ reference: Reference, platform: PlatformRequest, client: RegistryClient) async throws {
    self.reference = reference
    top = try await client.document(for: reference)
    switch top {
    case .manifest(let manifest): self.manifest = manifest
    case .index(let index):
      let entry = try index.value.select(platform)
      let chosen = reference.withDigest(entry.digest)
      guard case .manifest(let manifest) = try await client.document(for: chosen) else {
        throw NestedIndex(reference: reference, digest: entry.digest)
      }
      self.manifest = manifest
    }
    try manifest.value.requireImage()
    config = try await client.blob(
      manifest.value.config, from: reference, limit: ManifestDocument.maximumByteCount)
  }
}

extension RegistryClient {
  /// The manifest or index that `reference` names.
  func document(for reference: Reference) async throws -> ManifestDocument {
    let fetched = try await manifest(for: reference)
    return try ManifestDocument(
      bytes: fetched.bytes, contentType: fetched.mediaType,
      digestAlgorithm: reference.digest?.algorithm ?? .sha256)
  }
}

/// An entry of an index is an index, where an image was expected.
struct NestedIndex: Error, CustomStringConvertible {
  var reference: Reference
  var digest: Digest
  var description: String { "\(reference): the chosen entry \(digest) is an index itself, which is not supported" }
}
