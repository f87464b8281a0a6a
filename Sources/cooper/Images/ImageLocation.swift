import Glibc
import OCIModel
import SystemPackage

/// Where an image is, in the notation of containers-transports(5) (design.md, section 2).
enum ImageLocation: Hashable {
  case registry(Reference)
  case dockerArchive(FilePath, image: String?)
  case ociLayout(FilePath, name: String?)
  case ociArchive(FilePath, name: String?)
  /// A path without a transport: what it is shows when it is looked into.
  case path(FilePath)
  /// Standard input or output, a docker-archive.
  case standardStream

  /// Reads `text`.
  ///
  /// A bare name is a path when something of that name exists, and a registry reference otherwise.
  init(_ text: String) throws {
    if text == "-" { self = .standardStream; return }
    for (prefix, make) in Self.transports {
      guard text.hasPrefix(prefix) else { continue }
      self = try make(String(text.dropFirst(prefix.count)))
      return
    }
    if access(text, F_OK) == 0 || Self.looksLikePath(text) { self = .path(FilePath(text)); return }
    self = .registry(try Reference(parsing: text))
  }

  /// Whether the name is meant as a file's although there is none: it would be a surprise to ask Docker Hub for `image.tar`.
  private static func looksLikePath(_ text: String) -> Bool {
    let starts = ["/", "./", "../"]
    let ends = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2", "/"]
    return starts.contains { text.hasPrefix($0) } || ends.contains { text.hasSuffix($0) }
  }

  private static let transports: [(String, @Sendable (String) throws -> ImageLocation)] = [
    ("docker://", { .registry(try Reference(parsing: $0)) }),
    (
      "docker-archive:",
      {
        let (path, rest) = try split($0); return .dockerArchive(path, image: rest)
      }
    ),
    (
      "oci-archive:",
      {
        let (path, rest) = try split($0); return .ociArchive(path, name: rest)
      }
    ),
    (
      "oci:",
      {
        let (path, rest) = try split($0); return .ociLayout(path, name: rest)
      }
    ),
  ]

  /// A path, and what follows its first colon.
  private static func split(_ text: String) throws -> (FilePath, String?) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = parts.first, !path.isEmpty else { throw UsageError("“\(text)” has no path") }
    return (FilePath(String(path)), parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil)
  }
}
