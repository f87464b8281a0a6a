import Hashing
import ImageArchive

/// The hash that the user expects of an archive.
struct ExpectedHash: Hashable, CustomStringConvertible {
  private let hash: NixHash

  /// Reads SRI, Nix base 32, base 64 or hexadecimal.
  init(_ text: String) throws {
    do {
      hash = try NixHash(parsing: text, algorithm: .sha256)
    } catch {
      throw UsageError("--hash \(text): \(error)")
    }
    guard hash.algorithm == .sha256 else {
      throw UsageError("--hash \(text): only SHA-256 is used for archives")
    }
  }

  /// Whether it is the hash of the content that has `digest`.
  func matches(_ digest: Digest) -> Bool { hash.digest == digest }

  var description: String { hash.sri }
}

/// The archive is not the expected one.
struct HashMismatch: Error, CustomStringConvertible {
  var expected: ExpectedHash
  var found: Digest
  var otherEra: DockerArchiveEra?

  var description: String {
    var text = """
      hash mismatch of the archive:
        expected \(expected)
        found    \(NixHash(found)?.sri ?? found.description)
      """
    if let otherEra {
      text +=
        "\nThe expected hash is that of --era \(otherEra.rawValue): it was pinned with a skopeo \(otherEra.period)."
    }
    return text
  }
}

extension DockerArchiveEra {
  /// When that era's bytes were written.
  fileprivate var period: String {
    switch self {
    case .first: "before 0.1.29 (March 2018)"
    case .second: "before 1.2.0 (September 2020)"
    case .third: "of 1.2.0 (September 2020) or newer"
    }
  }
}
