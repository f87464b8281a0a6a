import ArchiveIO
import Glibc
import SystemPackage

/// Reading and replacing the small files people keep their settings in.
enum UserFile {
  /// Login files and configurations are a few kilobytes.
  static let byteLimit = 4 << 20

  /// The contents of a file; nil when it does not exist.
  ///
  /// - Throws: `UserFileError`, also when it has more than 4 MiB.
  static func read(_ path: String) throws(UserFileError) -> [UInt8]? {
    do {
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      let contents = try file.closeAfter { try file.readToEnd(limit: byteLimit) }
      guard let contents else { throw UserFileError.tooLarge(path: path, limit: byteLimit) }
      return contents
    } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
      return nil
    } catch let error as Errno {
      throw .failed("read", path: path, error)
    } catch let error as UserFileError {
      throw error
    } catch {
      throw .failed("read", path: path, .ioError)
    }
  }

  /// The contents of a file that must be there.
  static func contents(of path: String) throws -> [UInt8] {
    guard let contents = try read(path) else { throw FileError("read", path, .noSuchFileOrDirectory) }
    return contents
  }

  /// The names in a directory, in no order; nil when it does not exist or is no directory.
  static func names(inDirectory path: String) throws(UserFileError) -> [String]? {
    guard let directory = opendir(path) else {
      let problem = Errno(rawValue: errno)
      // A directory that is closed to this user is for others (`/etc/docker/certs.d` of a root daemon).
      if [.noSuchFileOrDirectory, .notDirectory, .permissionDenied].contains(problem) { return nil }
      throw .failed("list", path: path, problem)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Changes a file that may hold secrets: `change` gets the contents, nil when there is no file, and gives
  /// the new ones.
  ///
  /// The new file has mode 0600 and takes the old one's place in one step; a symbolic link stays, and what it
  /// points to is replaced. A directory that is missing is made with mode 0700. Programs that do this at the
  /// same time wait for each other.
  static func update<Result>(
    _ path: String, _ change: ([UInt8]?) throws -> (contents: [UInt8]?, result: Result)
  ) throws -> Result {
    let target = resolvingLink(path)
    let directory = FilePath(target).removingLastComponent()
    try makeDirectory(directory.isEmpty ? "." : directory.string)
    let lock = try failing("open", directory.string) {
      try FileDescriptor.open(
        directory.isEmpty ? "." : directory, .readOnly, options: [.closeOnExec, .directory])
    }
    defer { try? lock.close() }
    // Some network file systems cannot lock; the replacement is still one step there.
    _ = flock(lock.rawValue, LOCK_EX)
    let (contents, result) = try change(try read(target))
    if let contents { try replace(target, with: contents) }
    return result
  }

  private static func replace(_ path: String, with contents: [UInt8]) throws(UserFileError) {
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).new"
    do throws(UserFileError) {
      let file = try failing("create", temporary) {
        try FileDescriptor.open(
          FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: .ownerReadWrite)
      }
      try failing("write", temporary) {
        try file.closeAfter {
          try file.writeAll(contents)
          _ = fsync(file.rawValue)
        }
      }
      guard rename(temporary, path) == 0 else { throw .failed("replace", path: path, Errno(rawValue: errno)) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func failing<Result>(
    _ action: String, _ path: String, _ body: () throws -> Result
  ) throws(UserFileError) -> Result {
    do { return try body() } catch {
      throw .failed(action, path: path, error as? Errno ?? .ioError)
    }
  }

  private static func resolvingLink(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func makeDirectory(_ path: String) throws(UserFileError) {
    if access(path, F_OK) == 0 { return }
    let parent = FilePath(path).removingLastComponent()
    if !parent.isEmpty { try makeDirectory(parent.string) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .failed("make directory", path: path, Errno(rawValue: errno))
    }
  }
}

extension FileDescriptor {
  /// Everything that is left, or nil when that is more than `limit` bytes.
  func readToEnd(limit: Int) throws -> [UInt8]? {
    var contents: [UInt8] = []
    var buffer: [UInt8] = Array(repeating: 0, count: 1 << 14)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { return contents }
      contents += buffer[..<count]
      if contents.count > limit { return nil }
    }
  }
}

/// Why a file of the user's could not be used.
enum UserFileError: Error, Hashable, CustomStringConvertible {
  /// The system refused.
  case failed(_ action: String, path: String, Errno)
  /// The file has more than `limit` bytes.
  case tooLarge(path: String, limit: Int)
  /// A file that was named explicitly does not exist.
  case missing(path: String, option: String)

  var description: String {
    switch self {
    case .failed(let action, let path, let problem): "cannot \(action) \(path): \(problem)"
    case .tooLarge(let path, let limit): "\(path) has more than \(limit) bytes; that is no settings file"
    case .missing(let path, let option): "\(path), named by \(option), does not exist"
    }
  }
}
