import Hashing
import ImageArchive
import NixStore
import OCIModel
import SystemPackage

/// Learns an archive's hash and store path, and puts the archive into the Nix store when Nix is there.
///
/// Without Nix nothing is written: the hash is all that is needed.
struct StoreAddition {
  let job: PullJob
  let name: FinalName
  /// The name in the store: `docker-image-nixos-nix-latest.tar`.
  let fileName: String
  let environment: ProcessEnvironment

  func run() async throws -> (digest: Digest, path: StorePath) {
    guard let program = NixStoreProgram(searching: environment["PATH"] ?? "") else {
      let digest = try await job.hash(named: name)
      return (digest, try computedPath(digest))
    }
    let directory = try ScratchDirectory(in: environment.temporaryDirectory.string)
    defer { directory.remove() }
    let file = directory.path.appending(fileName)
    let summary = try await job.write(
      to: .dockerArchive(file, name: nil), named: name, era: .third, computingDigest: true)
    guard let digest = summary?.digest else { preconditionFailure("a digest was asked for") }
    let path = try await program.addFixed(file)
    return (digest, path)
  }

  private func computedPath(_ digest: Digest) throws -> StorePath {
    try StorePath.fixedOutput(
      flat: digest, name: fileName,
      storeDirectory: environment["NIX_STORE_DIR"] ?? StorePath.defaultStoreDirectory)
  }
}
