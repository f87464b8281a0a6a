import ArchiveIO
import Glibc
import ImageArchive
import SystemPackage

/// A file that an archive is written to: one that appears when it is complete, or something that takes bytes as they come.
enum OutputFile {
  case new(NewFile)
  case stream(FileDescriptor)

  /// Opens `path`; nil is standard output.
  ///
  /// What exists and is no ordinary file (a pipe, `/dev/stdout`) is written to as it is.
  init(_ path: FilePath?) throws {
    guard let path else {
      if isatty(STDOUT_FILENO) == 1 {
        throw UsageError("an archive will not be written to a terminal; use -o FILE or a pipe")
      }
      self = .stream(.standardOutput)
      return
    }
    var status = stat()
    let exists = stat(path.string, &status) == 0
    switch exists ? status.st_mode & S_IFMT : S_IFREG {
    case S_IFREG:
      let file = try NewFile(at: Self.target(of: path))
      if let name = file.temporaryName { Interruption.remove(name) }
      self = .new(file)
    case S_IFDIR: throw UsageError("\(path) is a directory; give a file, or --format oci for a layout")
    default:
      let descriptor = open(path.string, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
      self = .stream(FileDescriptor(rawValue: descriptor))
    }
  }

  /// What a symbolic link leads to, so that the file behind it is replaced and not the link.
  private static func target(of path: FilePath) -> FilePath {
    guard let resolved = realpath(path.string, nil) else { return path }
    defer { free(resolved) }
    return FilePath(String(cString: resolved))
  }

  /// The output as the archive writers take it.
  var archiveOutput: ArchiveOutput {
    switch self {
    case .new(let file): .file(file.file)
    case .stream(let descriptor): .pipe(descriptor)
    }
  }

  /// Gives a file its name.
  func commit() throws { if case .new(let file) = self { try file.commit() } }
}
