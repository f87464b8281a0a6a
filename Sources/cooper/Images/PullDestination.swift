import ArchiveIO
import Glibc
import ImageArchive
import OCIModel
import SystemPackage

/// Where a pulled image goes.
enum PullDestination: Hashable {
  /// `nil` is standard output.
  case dockerArchive(FilePath?, name: String?)
  case ociLayout(FilePath, name: String?)
  case ociArchive(FilePath?, name: String?)

  /// The forms that `--format` names.
  enum Format: String, CaseIterable {
    case dockerArchive = "docker-archive"
    case oci
    case ociArchive = "oci-archive"
  }

  /// Reads the argument of `-o`.
  ///
  /// A plain path is a docker-archive, or an OCI layout when it is a directory; `format` says otherwise.
  init(_ text: String, format: Format?) throws {
    for transport in ["docker-archive:", "oci:", "oci-archive:"] where text.hasPrefix(transport) {
      try self.init(ImageLocation(text))
      if let format, format.rawValue + ":" != transport {
        throw UsageError("-o \(text) and --format \(format.rawValue) contradict each other")
      }
      return
    }
    if text.hasPrefix("docker://") {
      throw UsageError(
        "-o \(text) is a registry; to copy an image from one registry to another use cooper copy")
    }
    let path = text == "-" ? nil : FilePath(text)
    switch format ?? Self.format(of: text) {
    case .dockerArchive: self = .dockerArchive(path, name: nil)
    case .ociArchive: self = .ociArchive(path, name: nil)
    case .oci:
      guard let path else {
        throw UsageError("an OCI layout is a directory and cannot go to standard output")
      }
      self = .ociLayout(path, name: nil)
    }
  }

  private init(_ location: ImageLocation) throws {
    switch location {
    case .dockerArchive(let path, let image): self = .dockerArchive(path, name: image)
    case .ociLayout(let path, let name): self = .ociLayout(path, name: name)
    case .ociArchive(let path, let name): self = .ociArchive(path, name: name)
    case .registry, .path, .standardStream: throw UsageError("an image cannot be pulled to there")
    }
  }

  private static func format(of text: String) -> Format {
    var status = stat()
    let isDirectory = stat(text, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    return isDirectory || text.hasSuffix("/") ? .oci : .dockerArchive
  }

  /// Whether its bytes are those that people pin.
  var isDockerArchive: Bool {
    if case .dockerArchive = self { true } else { false }
  }

  /// The name that was given after the path.
  var name: String? {
    switch self {
    case .dockerArchive(_, let name), .ociLayout(_, let name), .ociArchive(_, let name): name
    }
  }

  /// The path, or nil for standard output.
  var path: FilePath? {
    switch self {
    case .dockerArchive(let path, _), .ociArchive(let path, _): path
    case .ociLayout(let path, _): path
    }
  }
}
