public import ArchiveIO
public import SystemPackage

/// The file system that the guest's kernel starts from: an uncompressed cpio archive in the `newc` format (Linux' documentation,
/// `driver-api/early-userspace/buffer-format.rst`; cpio(5)).
///
/// The same entries give the same bytes: everything is 0:0 and of 1970, and numbered in order.
public struct InitialRamdisk: Sendable {
  /// What is in it, parents first.
  private var entries: [Entry] = []
  private var directories: Set<String> = []

  /// An archive of nothing.
  public init() {}

  private struct Entry: Sendable {
    var path: String
    var type: TarType
    var mode: UInt32
    var device = TarDevice(major: 0, minor: 0)
    var content = Content.bytes([])
  }

  private enum Content: Sendable {
    case bytes([UInt8])
    case file(FilePath)
    case module(KernelModule)

    /// The content and its length in bytes.
    func open() throws -> (source: any ByteSource, byteCount: Int64) {
      switch self {
      case .bytes(let bytes): return (ArraySource(bytes), Int64(bytes.count))
      case .module(let module):
        let bytes = try module.contents()
        return (ArraySource(bytes), Int64(bytes.count))
      case .file(let path):
        let range = try FileRange(whole: DirectFile(reading: path))
        return (range.open(), range.byteCount)
      }
    }
  }

  // MARK: Entries

  /// Adds a directory, with those above it; `path` has no slash at the beginning, here and below.
  public mutating func addDirectory(_ path: String, mode: UInt32 = 0o755) {
    addParents(of: path)
    guard directories.insert(path).inserted else { return }
    entries.append(Entry(path: path, type: .directory, mode: mode))
  }

  /// Adds a file of these bytes.
  public mutating func addFile(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) {
    add(Entry(path: path, type: .regular, mode: mode, content: .bytes(bytes)))
  }

  /// Adds a copy of a file of this machine, which is read when the archive is.
  public mutating func addFile(_ path: String, copying file: FilePath, mode: UInt32 = 0o644) {
    add(Entry(path: path, type: .regular, mode: mode, content: .file(file)))
  }

  /// Adds a module, decompressed.
  public mutating func addModule(_ path: String, _ module: KernelModule) {
    add(Entry(path: path, type: .regular, mode: 0o644, content: .module(module)))
  }

  /// Adds a character device, as `dev/console` is one with 5 and 1.
  public mutating func addDevice(_ path: String, _ device: TarDevice, mode: UInt32 = 0o600) {
    add(Entry(path: path, type: .characterDevice, mode: mode, device: device))
  }

  private mutating func add(_ entry: Entry) {
    addParents(of: entry.path)
    entries.append(entry)
  }

  /// The kernel makes nothing in a directory that it has not met.
  private mutating func addParents(of path: String) {
    guard let slash = path.lastIndex(of: "/") else { return }
    addDirectory(String(path[..<slash]))
  }

  // MARK: Bytes

  /// The bytes of the archive, made while they are read; files are opened one after another.
  public func open() -> any ByteSource { Stream(entries[...]) }

  private final class Stream: ByteSource {
    private var entries: ArraySlice<Entry>
    private var number: UInt32 = 0
    /// What is to come before the next entry, the current one first.
    private var parts: [any ByteSource] = []
    private var hasEnded = false

    init(_ entries: ArraySlice<Entry>) { self.entries = entries }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      while true {
        if let part = parts.first {
          let count = try part.read(into: buffer)
          if count > 0 { return count }
          parts.removeFirst()
        } else if hasEnded {
          return 0
        } else {
          try advance()
        }
      }
    }

    private func advance() throws {
      guard let entry = entries.popFirst() else {
        hasEnded = true
        let end = Entry(path: "TRAILER!!!", type: .regular, mode: 0)
        parts = [ArraySource(header(end, format: 0, byteCount: 0))]
        return
      }
      let (source, byteCount) = try entry.content.open()
      guard let size = UInt32(exactly: byteCount) else {
        throw FileError("put into an initial RAM disk", entry.path, .fileTooLarge)
      }
      number += 1
      let format = entry.type.fileMode | entry.mode
      parts = [
        ArraySource(header(entry, format: format, byteCount: size)),
        ExactSource(source, byteCount: byteCount, name: entry.path),
        ArraySource(Self.padding(after: Int(size))),
      ]
    }

    /// The magic number, thirteen fields of eight hexadecimal digits, and the name, all of it padded to four bytes.
    private func header(_ entry: Entry, format: UInt32, byteCount: UInt32) -> [UInt8] {
      let isEnd = format == 0
      let links: UInt32 = entry.type == .directory ? 2 : 1
      let fields: [UInt32] = [
        isEnd ? 0 : number, format, 0, 0, links, 0, byteCount, 0, 0, entry.device.major, entry.device.minor,
        UInt32(entry.path.utf8.count) + 1, 0,
      ]
      var bytes = Array("070701".utf8)
      for field in fields {
        let digits = String(field, radix: 16)
        bytes += String(repeating: "0", count: 8 - digits.count).utf8
        bytes += digits.utf8
      }
      bytes += entry.path.utf8
      bytes.append(0)
      return bytes + Self.padding(after: bytes.count)
    }

    private static func padding(after count: Int) -> [UInt8] {
      [UInt8](repeating: 0, count: (4 - count % 4) % 4)
    }
  }
}

/// A source that has exactly as many bytes as were announced.
private final class ExactSource: ByteSource {
  private let source: any ByteSource
  private var rest: Int64
  private let name: String

  init(_ source: any ByteSource, byteCount: Int64, name: String) {
    (self.source, rest, self.name) = (source, byteCount, name)
  }

  /// See `ByteSource`.
  ///
  /// - Throws: `FileChanged` when the source ends before.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard rest > 0 else { return 0 }
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(rest, Int64(buffer.count)))))
    let count = try source.read(into: space)
    if count == 0 { throw FileChanged(path: name) }
    rest -= Int64(count)
    return count
  }
}
