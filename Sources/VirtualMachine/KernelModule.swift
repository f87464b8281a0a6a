import ArchiveIO
public import SystemPackage

/// A module of a kernel, a file `NAME.ko` that may be compressed.
public struct KernelModule: Sendable, Hashable {
  /// The largest modules of distributions have some 20 MB.
  private static let byteLimit = 64 << 20

  /// The name, with `_` where the file's has `-`, as the kernel has it.
  public let name: String
  /// The file.
  public let path: FilePath

  /// The module in the file `path`; nil when its name is not one of a module.
  public init?(_ path: FilePath) {
    guard let file = path.lastComponent?.string,
      let suffix = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"].first(where: file.hasSuffix)
    else { return nil }
    name = Self.normalized(file.dropLast(suffix.count))
    self.path = path
  }

  /// A name as the kernel has it: files and lists write `-` and `_` as they like.
  static func normalized(_ name: some StringProtocol) -> String {
    String(name.map { $0 == "-" ? "_" : $0 })
  }

  /// The module as the kernel takes it, decompressed.
  ///
  /// - Throws: `KernelError.badModule` when it has more than 64 MiB; `FileError`, `DecompressionError`.
  public func contents() throws -> [UInt8] {
    let stored = BufferedSource(try FileRange(whole: DirectFile(reading: path)).open())
    let compression = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    let source = try compression.decompress(stored)
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 { return contents }
      contents += buffer[..<count]
      guard contents.count <= Self.byteLimit else {
        throw KernelError.badModule(path.string, "it has more than \(Self.byteLimit) bytes")
      }
    }
  }

  /// The names of the modules that must be loaded before, as its `.modinfo` section lists them (`depends=A,B`).
  ///
  /// - Throws: as `contents`, and `KernelError.badModule` for what is no module.
  public func dependencies() throws -> [String] {
    guard let section = ModuleFile(try contents()).section(".modinfo") else {
      throw KernelError.badModule(
        path.string, "it is no 64-bit little-endian ELF file with a .modinfo section")
    }
    let key = Array("depends=".utf8)
    let line = section.split(separator: 0).first { $0.starts(with: key) } ?? []
    return line.dropFirst(key.count).split(separator: UInt8(ascii: ",")).map {
      Self.normalized(String(decoding: $0, as: UTF8.self))
    }
  }
}

/// The sections of a 64-bit little-endian ELF file (System V ABI, "Sections"); what leads out of the file is not there.
private struct ModuleFile {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The bytes of the section of that name.
  func section(_ name: String) -> ArraySlice<UInt8>? {
    guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), let table = number(at: 0x28, 8),
      let entrySize = number(at: 0x3A, 2), let count = number(at: 0x3C, 2),
      let names = number(at: 0x3E, 2)
    else { return nil }
    func header(_ index: Int) -> Int { table &+ index &* entrySize }
    guard let strings = content(of: header(names)) else { return nil }
    for index in 0..<count {
      guard let place = number(at: header(index), 4), place < strings.count,
        strings.dropFirst(place).prefix(while: { $0 != 0 }).elementsEqual(name.utf8)
      else { continue }
      return content(of: header(index))
    }
    return nil
  }

  private func content(of header: Int) -> ArraySlice<UInt8>? {
    guard let offset = number(at: header &+ 0x18, 8), let size = number(at: header &+ 0x20, 8),
      offset <= bytes.count, size <= bytes.count - offset
    else { return nil }
    return bytes[offset..<(offset + size)]
  }

  private func number(at offset: Int, _ count: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    return Int(
      exactly: bytes[offset..<(offset + count)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}
