import ArchiveIO
import Glibc
import SystemPackage

/// A directory whose files may have been arranged by somebody else.
///
/// Names are walked one component at a time. Symbolic links are followed only as far as they stay inside, and nothing but regular files
/// is opened: opening a pipe would wait for ever, and opening a device may do anything.
final class LayoutDirectory: BlobFiles {
  /// As many as Linux follows.
  private static let linkLimit = 40

  let path: String
  private let followsLinksOut: Bool
  private let root: OpenDirectory

  /// A descriptor that is closed with its last use.
  private final class OpenDirectory: Sendable {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  /// Opens the directory.
  ///
  /// `followsLinksOut` is for layouts whose blobs are links to another place on purpose.
  init(_ path: FilePath, followsLinksOut: Bool) throws(FileError) {
    let descriptor = Glibc.open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    root = OpenDirectory(descriptor)
    self.path = path.string
    self.followsLinksOut = followsLinksOut
  }

  func file(_ name: String) throws -> FileRange? {
    if followsLinksOut { return try open(name, in: root.descriptor, name: name, flags: 0) }
    var directories = [root]
    var rest = Self.components(name)
    var links = 0
    while let part = rest.popLast() {
      if part == "." { continue }
      if part == ".." {
        guard directories.count > 1 else { throw notAFile(name) }
        directories.removeLast()
        continue
      }
      let directory = directories[directories.count - 1]
      switch try kind(of: part, in: directory, name: name) {
      case nil: return nil
      case S_IFDIR: directories.append(try self.directory(part, in: directory, name: name))
      case S_IFLNK:
        links += 1
        let target = try target(of: part, in: directory, name: name)
        guard links <= Self.linkLimit, !target.hasPrefix("/") else { throw notAFile(name) }
        rest += Self.components(target)
      case S_IFREG where rest.isEmpty:
        return try open(part, in: directory.descriptor, name: name, flags: O_NOFOLLOW)
      default: throw notAFile(name)
      }
    }
    throw notAFile(name)
  }

  /// The parts of a path, the last one first.
  private static func components(_ path: String) -> [String] {
    path.split(separator: "/").reversed().map(String.init)
  }

  private func notAFile(_ name: String) -> ImageArchiveError { ImageArchiveError(path, .notAFile(name)) }

  private func kind(of part: String, in directory: OpenDirectory, name: String) throws -> mode_t? {
    var status = stat()
    if fstatat(directory.descriptor, part, &status, AT_SYMLINK_NOFOLLOW) == 0 {
      return status.st_mode & S_IFMT
    }
    if errno == ENOENT { return nil }
    throw FileError("examine", "\(path)/\(name)", Errno(rawValue: errno))
  }

  private func directory(_ part: String, in directory: OpenDirectory, name: String) throws -> OpenDirectory {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let descriptor = openat(directory.descriptor, part, flags)
    guard descriptor >= 0 else { throw FileError("open", "\(path)/\(name)", Errno(rawValue: errno)) }
    return OpenDirectory(descriptor)
  }

  private func target(of part: String, in directory: OpenDirectory, name: String) throws -> String {
    let bytes = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer -> [UInt8] in
      guard let start = buffer.baseAddress else { return [] }
      let count = readlinkat(directory.descriptor, part, start, buffer.count)
      return buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:))
    }
    guard !bytes.isEmpty else { throw FileError("read the link", "\(path)/\(name)", Errno(rawValue: errno)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Opens what was a regular file a moment ago, and looks again.
  private func open(_ part: String, in directory: Int32, name: String, flags: Int32) throws -> FileRange? {
    let descriptor = openat(directory, part, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw FileError("open", "\(path)/\(name)", Errno(rawValue: errno))
    }
    let file = DirectFile(
      owning: FileDescriptor(rawValue: descriptor), path: "\(path)/\(name)", direct: false)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw notAFile(name) }
    return try FileRange(whole: file)
  }
}
