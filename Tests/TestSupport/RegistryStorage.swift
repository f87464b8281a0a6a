import Foundation
import Hashing

/// The storage directory of a docker-registry, written as its file system driver lays it out.
///
/// Content is put there beside the running server, without its checks: what a hostile or careless registry would serve is then
/// possible too, and no credentials are needed.
struct RegistryStorage: Sendable {
  let root: String

  /// Stores a blob, or a manifest's bytes, under a digest that need not be the true one.
  func store(_ bytes: [UInt8], as digest: Digest) throws {
    let file = "\(blobDirectory(digest))/data"
    guard access(file, F_OK) != 0 else { return }
    try write(bytes, to: file)
  }

  /// Stores a file as a blob without copying it; it must be on the same file system.
  func store(file: String, as digest: Digest) throws {
    let target = "\(blobDirectory(digest))/data"
    guard access(target, F_OK) != 0 else { return }
    try makeDirectory(of: target)
    try FileManager.default.linkItem(atPath: file, toPath: target)
  }

  /// Makes a stored blob visible in a repository.
  func link(blob digest: Digest, in repository: String) throws {
    try writeLink(digest, to: "\(directory(of: repository))/_layers/\(path(digest))/link")
  }

  /// Makes a stored manifest visible in a repository.
  func link(manifest digest: Digest, in repository: String) throws {
    try writeLink(digest, to: "\(directory(of: repository))/_manifests/revisions/\(path(digest))/link")
  }

  /// Lets a tag name a manifest.
  func tag(_ tag: String, manifest digest: Digest, in repository: String) throws {
    let directory = "\(directory(of: repository))/_manifests/tags/\(tag)"
    try writeLink(digest, to: "\(directory)/current/link")
    try writeLink(digest, to: "\(directory)/index/\(path(digest))/link")
  }

  private func directory(of repository: String) -> String {
    "\(root)/docker/registry/v2/repositories/\(repository)"
  }

  private func blobDirectory(_ digest: Digest) -> String {
    "\(root)/docker/registry/v2/blobs/\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)"
  }

  private func path(_ digest: Digest) -> String { "\(digest.algorithm.rawValue)/\(digest.hex)" }

  private func writeLink(_ digest: Digest, to file: String) throws {
    try write(Array(digest.description.utf8), to: file)
  }

  private func write(_ bytes: [UInt8], to file: String) throws {
    try makeDirectory(of: file)
    try Data(bytes).write(to: URL(fileURLWithPath: file), options: .atomic)
  }

  private func makeDirectory(of file: String) throws {
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
  }
}
