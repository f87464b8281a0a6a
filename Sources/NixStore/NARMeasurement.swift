import ArchiveIO
import Glibc
public import Hashing
public import SystemPackage

/// The hash and the size of the archive (NAR) of a tree on disk, computed without making it.
public struct NARMeasurement: Sendable, Hashable {
  /// SHA-256 of the archive.
  public let hash: NixHash
  /// Its size in bytes.
  public let byteCount: Int64

  /// Reads a file, a symbolic link or a tree; links are not followed, names are bytes.
  ///
  /// - Throws: `FileError`, `NARError`.
  public init(ofTreeAt path: FilePath) throws {
    var writer = NARWriter()
    try TreeReader.read(
      path.withPlatformString { start in (0...strlen(start)).map { start[Int($0)] } }, into: &writer)
    byteCount = writer.byteCount
    let digest = writer.finalize()
    guard let hash = NixHash(digest) else { preconditionFailure("SHA-256 has a form of Nix's") }
    self.hash = hash
  }
}

/// Tells a `NARWriter` what is on disk.
///
/// Paths are bytes that end with NUL.
private enum TreeReader {
  static func read(_ path: [CChar], into writer: inout NARWriter) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw failure("examine", path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: try readFile(path, into: &writer)
    case S_IFLNK: writer.symlink(target: try target(of: path, byteCount: Int(status.st_size)))
    case S_IFDIR:
      writer.beginDirectory()
      for name in try names(in: path) {
        writer.beginEntry(name: name)
        try read(child(of: path, name), into: &writer)
        writer.endEntry()
      }
      writer.endDirectory()
    default: throw NARError.unsupportedType(path: text(path))
    }
  }

  private static func child(of path: [CChar], _ name: [UInt8]) -> [CChar] {
    var child = path
    child[child.count - 1] = CChar(bitPattern: UInt8(ascii: "/"))
    child += name.map(CChar.init(bitPattern:))
    child.append(0)
    return child
  }

  private static func readFile(_ path: [CChar], into writer: inout NARWriter) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("examine", path) }
    writer.beginFile(isExecutable: status.st_mode & S_IXUSR != 0, byteCount: Int64(status.st_size))
    var buffer = [UInt8](repeating: 0, count: min(1 << 18, max(1, Int(status.st_size))))
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { break }
      writer.append(buffer.span.extracting(first: count).bytes)
    }
    try writer.endFile()
  }

  private static func target(of path: [CChar], byteCount: Int) throws -> [UInt8] {
    // Some file systems say 0; one byte more than expected shows that a link has grown.
    var buffer = [CChar](repeating: 0, count: max(byteCount + 1, Int(PATH_MAX)))
    let count = readlink(path, &buffer, buffer.count)
    guard count >= 0, count < buffer.count else { throw failure("read the link", path) }
    return buffer.prefix(count).map(UInt8.init(bitPattern:))
  }

  private static func names(in path: [CChar]) throws -> [[UInt8]] {
    guard let listing = opendir(path) else { throw failure("list", path) }
    defer { closedir(listing) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(listing) else {
        if errno != 0 { throw failure("list", path) }
        break
      }
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [UInt8(ascii: ".")], name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private static func failure(_ operation: String, _ path: [CChar]) -> FileError {
    FileError(operation, text(path), Errno(rawValue: errno))
  }

  private static func text(_ path: [CChar]) -> String {
    String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
