/// A dynamically linked 64-bit program, of which two things are changed (System V ABI, "Object Files"; elf(5)).
struct ELFProgram {
  private(set) var bytes: [UInt8]
  private let path: String
  private let segments: [Segment]

  private struct Segment {
    /// Where its header is.
    var header: Int
    var type: UInt64
    var offset: Int
    var address: UInt64
    var size: Int
  }

  private enum SegmentType {
    static let load: UInt64 = 1
    static let dynamic: UInt64 = 2
    static let interpreter: UInt64 = 3
  }

  private enum Tag {
    static let strings: UInt64 = 5
    static let path: UInt64 = 15
    static let runPath: UInt64 = 29
  }

  /// Reads the headers.
  init(_ bytes: [UInt8], path: String) throws {
    let isLittleEndian = bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    guard bytes.count > 64, isLittleEndian else {
      throw UsageError(
        "\(path) is no 64-bit little-endian ELF file, which is all that can be put into a store")
    }
    self.bytes = bytes
    self.path = path
    func number(_ offset: Int, _ count: Int) -> UInt64? { Self.number(bytes, offset, count) }
    guard let start = number(32, 8).flatMap({ Int(exactly: $0) }), let size = number(54, 2),
      let count = number(56, 2)
    else { throw UsageError("\(path) has no program headers") }
    segments = try (0..<Int(count)).map { index in
      let (header, overflow) = start.addingReportingOverflow(index * Int(size))
      guard !overflow, let type = number(header, 4),
        let offset = number(header + 8, 8).flatMap({ Int(exactly: $0) }),
        let address = number(header + 16, 8),
        let length = number(header + 32, 8).flatMap({ Int(exactly: $0) }),
        offset <= bytes.count, length <= bytes.count - offset
      else { throw UsageError("\(path) has a program header that leads out of the file") }
      return Segment(header: header, type: type, offset: offset, address: address, size: length)
    }
  }

  /// Makes `loader` the one that the kernel starts.
  ///
  /// The path is put at the end of the file: the kernel reads it from there, and nobody else does.
  mutating func setLoader(_ loader: String) throws {
    guard let segment = segments.first(where: { $0.type == SegmentType.interpreter }) else {
      throw UsageError("\(path) names no loader: it is linked statically and needs none of this")
    }
    let text = Array(loader.utf8) + [0]
    write(UInt64(bytes.count), at: segment.header + 8)
    write(UInt64(text.count), at: segment.header + 32)
    write(UInt64(text.count), at: segment.header + 40)
    bytes += text
  }

  /// Lets libraries be searched in the program's own directory, those of libraries too, and before all other places.
  ///
  /// The linker has left a path that ends so; DT_RPATH counts for libraries' libraries, and DT_RUNPATH does not (ld.so(8)).
  mutating func searchOwnDirectory() throws {
    let own = Array("$ORIGIN".utf8)
    guard let entries = segments.first(where: { $0.type == SegmentType.dynamic }),
      let strings = try dynamicEntries(entries).first(where: { $0.tag == Tag.strings }),
      let table = fileOffset(of: strings.value),
      let search = try dynamicEntries(entries).first(where: { [Tag.path, Tag.runPath].contains($0.tag) }),
      let start = Int(exactly: search.value), start < bytes.count - table
    else { throw UsageError("\(path) has no path to search libraries in; link it with -rpath '$ORIGIN'") }
    let text = bytes[(table + start)...].prefix { $0 != 0 }
    guard text.suffix(own.count).elementsEqual(own) else {
      throw UsageError("\(path) does not search its own directory last; link it with -rpath '$ORIGIN'")
    }
    write(Tag.path, at: search.offset)
    write(search.value + UInt64(text.count - own.count), at: search.offset + 8)
  }

  private func dynamicEntries(_ segment: Segment) throws -> [(offset: Int, tag: UInt64, value: UInt64)] {
    stride(from: segment.offset, to: segment.offset + segment.size - 15, by: 16).compactMap { offset in
      guard let tag = Self.number(bytes, offset, 8), let value = Self.number(bytes, offset + 8, 8) else {
        return nil
      }
      return (offset, tag, value)
    }
  }

  private func fileOffset(of address: UInt64) -> Int? {
    for segment in segments where segment.type == SegmentType.load && segment.address <= address {
      if let distance = Int(exactly: address - segment.address), distance < segment.size {
        return segment.offset + distance
      }
    }
    return nil
  }

  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    return bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func write(_ number: UInt64, at offset: Int) {
    for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))) }
  }
}
