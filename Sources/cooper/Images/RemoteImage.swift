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
    guard
      case .manifest(let manifest) = try await client.document(for: reference, in: top, platform: platform)
    else {
      throw NestedIndex(reference: reference)
    }
    self.manifest = manifest
    try manifest.value.requireImage()
    config = try await client.blob(
      manifest.value.config, from: reference, limit: ManifestDocument.maximumByteCount)
  }
}

extension RegistryClient {
  /// The manifest or index that `reference` names; with a `platform`, the entry for it where it is an index.
  func document(for reference: Reference, platform: PlatformRequest? = nil) async throws -> ManifestDocument {
    let fetched = try await manifest(for: reference)
    let document = try ManifestDocument(
      bytes: fetched.bytes, contentType: fetched.mediaType,
      digestAlgorithm: reference.digest?.algorithm ?? .sha256)
    guard let platform else { return document }
    return try await self.document(for: reference, in: document, platform: platform)
  }

  /// `document` itself when it is a manifest, and its entry for `platform` when it is an index.
  fileprivate func document(
    for reference: Reference, in document: ManifestDocument, platform: PlatformRequest
  ) async throws -> ManifestDocument {
    guard case .index(let index) = document else { return document }
    return try await self.document(for: reference.withDigest(index.value.select(platform).digest))
  }
}

/// An entry of an index is an index, where an image was expected.
struct NestedIndex: Error, CustomStringConvertible {
  var reference: Reference
  var description: String {
    "\(reference): the entry chosen from the index is an index itself, which is not supported"
  }
}
