import OCIModel
public import SystemPackage

/// Where a spec says that the base image is, in the notation of containers-transports(5) (design.md, section 2).
public struct BaseLocation: Sendable, Hashable {
  /// As it is in the spec.
  public let text: String
  /// Where relative paths begin.
  public let directory: FilePath

  /// The same with paths that begin at the spec's directory.
  ///
  /// A bare name is a path when `exists` says so of it, or when it can be no name of an image; otherwise it is one.
  public func resolved(exists: (FilePath) -> Bool) -> String {
    if text.hasPrefix("docker://") { return text }
    for transport in ["docker-archive:", "oci-archive:", "oci:"] where text.hasPrefix(transport) {
      let rest = text.dropFirst(transport.count)
      let path = rest.prefix { $0 != ":" }
      guard !path.isEmpty else { return text }
      return transport + directory.pushing(FilePath(String(path))).string + rest.dropFirst(path.count)
    }
    let path = directory.pushing(FilePath(text))
    return Self.looksLikePath(text) || exists(path) ? path.string : text
  }

  /// Whether nobody would mean a registry: `image.tar` is no image of Docker Hub's.
  private static func looksLikePath(_ text: String) -> Bool {
    let ends = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2", "/"]
    let starts = ["/", "./", "../"]
    return starts.contains { text.hasPrefix($0) } || ends.contains { text.hasSuffix($0) }
      || (try? Reference(parsing: text)) == nil
  }
}
