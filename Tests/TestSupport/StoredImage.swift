import Foundation
public import Hashing

/// Documents and blobs that make up an image, or several under an index, ready to be put into a registry.
public struct StoredImage: Sendable {
  /// The digest to pull by: of the index when there is one, else of the manifest.
  public let digest: Digest
  /// Manifests and indexes by digest.
  public var manifests: [Digest: [UInt8]]
  /// Configs and layers by the digest under which they are stored.
  public var blobs: [Digest: [UInt8]]

  /// An image whose top document is `manifest`.
  public init(
    manifest: [UInt8], algorithm: DigestAlgorithm = .sha256, manifests: [Digest: [UInt8]] = [:],
    blobs: [Digest: [UInt8]] = [:]
  ) {
    digest = Digest(of: manifest, algorithm: algorithm)
    self.manifests = manifests.merging([digest: manifest]) { $1 }
    self.blobs = blobs
  }

  /// The bytes of the top document.
  public var manifest: [UInt8] { manifests[digest] ?? [] }

  /// Puts everything into a registry's storage, without its checks and without credentials, whatever access it is set to.
  ///
  /// - Returns: `HOST/REPOSITORY@DIGEST`.
  @discardableResult
  public func push(to registry: RegistryServer, repository: String, tag: String? = nil) throws -> String {
    for (digest, bytes) in blobs {
      try registry.storage.store(bytes, as: digest)
      try registry.storage.link(blob: digest, in: repository)
    }
    for (digest, bytes) in manifests {
      try registry.storage.store(bytes, as: digest)
      try registry.storage.link(manifest: digest, in: repository)
    }
    if let tag { try registry.storage.tag(tag, manifest: digest, in: repository) }
    return "\(registry.address)/\(repository)@\(digest)"
  }
}

extension RegistryServer {
  /// Puts a large file into the registry as a blob, without copying it where possible.
  public func addBlob(file: String, digest: Digest, repository: String) throws {
    try storage.store(file: file, as: digest)
    try storage.link(blob: digest, in: repository)
  }
}
