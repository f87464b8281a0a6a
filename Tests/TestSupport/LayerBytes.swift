import Foundation

/// Bytes for layers: small tar archives, and what compressors make of them.
public enum LayerBytes {
  /// A tar archive of regular files, in ustar form with zero times, ended by two zero blocks.
  public static func tar(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    for file in files {
      archive += header(file.name, size: file.content.count) + file.content
      archive += [UInt8](repeating: 0, count: (512 - file.content.count % 512) % 512)
    }
    return archive + [UInt8](repeating: 0, count: 1024)
  }

  /// A tar archive of one text file.
  public static func tar(_ name: String, _ text: String) -> [UInt8] { tar([(name, Array(text.utf8))]) }

  private static func header(_ name: String, size: Int) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      let bytes = Array(text.utf8)
      block.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    put(name, at: 0)
    put("0000644", at: 100)
    put("0000000", at: 108)
    put("0000000", at: 116)
    put(octal(size, digits: 11), at: 124)
    put("00000000000", at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(block.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
    return block
  }

  private static func octal(_ number: Int, digits: Int) -> String {
    let text = String(number, radix: 8)
    return String(repeating: "0", count: digits - text.count) + text
  }

  /// What `gzip` makes of the bytes, without a name or time in the header.
  public static func gzip(_ bytes: [UInt8], level: Int = 6) async throws -> [UInt8] {
    try await Program.check("gzip", ["-n", "-c", "-\(level)"], input: bytes).output
  }

  /// What `zstd` makes of the bytes: one frame with a checksum.
  public static func zstd(_ bytes: [UInt8], level: Int = 3) async throws -> [UInt8] {
    try Program.require("zstd", package: "zstd")
    return try await Program.check("zstd", ["-q", "-c", "-\(level)"], input: bytes).output
  }

  /// What `bzip2` makes of the bytes.
  public static func bzip2(_ bytes: [UInt8]) async throws -> [UInt8] {
    try Program.require("bzip2", package: "bzip2")
    return try await Program.check("bzip2", ["-c"], input: bytes).output
  }

  /// What `xz` makes of the bytes.
  public static func xz(_ bytes: [UInt8]) async throws -> [UInt8] {
    try Program.require("xz", package: "xz-utils")
    return try await Program.check("xz", ["-c", "-T1"], input: bytes).output
  }

  /// A zstd frame that decoders pass over, as zstd:chunked appends.
  public static func skippableFrame(_ content: [UInt8]) -> [UInt8] {
    let size = UInt32(content.count)
    return [0x50, 0x2a, 0x4d, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * UInt32($0))) }
      + content
  }

  /// A gzip stream whose header has an extra field, a name and a comment, and perhaps a checksum of itself.
  public static func gzipWithFullHeader(_ bytes: [UInt8], checksum: Bool) async throws -> [UInt8] {
    let plain = try await gzip(bytes)
    var header: [UInt8] = [0x1f, 0x8b, 8, checksum ? 0x1e : 0x1c, 1, 2, 3, 4, 2, 3]
    header += [4, 0] + Array("Ap\0\0".utf8)
    header += Array("a name\0a comment\0".utf8)
    if checksum {
      let value = CRC32.checksum(header)
      header += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
    return header + plain.dropFirst(10)
  }
}

/// The checksum of RFC 1952, bit by bit: only for short input.
enum CRC32 {
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { checksum, byte in
      (0..<8).reduce(checksum ^ UInt32(byte)) { value, _ in
        value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1
      }
    }
  }
}
