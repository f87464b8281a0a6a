import ArchiveIO
import Hashing
import TestSupport

/// A tree that is in memory only, so that it may have what only root could make, and what a kernel must say of it.
struct RandomTree {
  private(set) var inputs: [TarInput] = []
  /// The lines of `testdata/list-tree.py`, without the attributes where these are not to be compared.
  func lines(attributes: Bool) -> [String] {
    entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { path, entry in
      entry.line(path, names: names[entry.first] ?? [], in: self, attributes: attributes)
    }
  }

  private struct Entry {
    var header: TarHeader
    var digest = ""
    /// The name under which the content was added.
    var first: [UInt8]

    func line(_ path: [UInt8], names: [[UInt8]], in tree: RandomTree, attributes: Bool) -> String {
      let isDirectory = header.type == .directory
      let count = isDirectory ? 2 + (tree.directoryCounts[path] ?? 0) : names.count
      let list = header.extendedAttributes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      let fields: [String] = [
        hex(path), kind, String(header.mode, radix: 8), "\(header.owner.uid)", "\(header.owner.gid)",
        "\(header.type == .symbolicLink ? Int64(header.linkName.count) : header.byteCount)",
        "\(header.modificationTime)", "\(header.modificationNanoseconds)",
        header.device.map { "\($0.major):\($0.minor)" } ?? "-", "\(count)", hex(header.linkName),
        attributes ? list.map { "\(hex($0.key))=\(hex($0.value))" }.joined(separator: ",") : "", digest,
        hex(isDirectory ? path : names.min { $0.lexicographicallyPrecedes($1) } ?? path),
      ]
      return fields.map { $0.isEmpty ? "-" : $0 }.joined(separator: " ")
    }

    private var kind: String {
      switch header.type {
      case .directory: "directory"
      case .symbolicLink: "link"
      case .characterDevice: "character"
      case .blockDevice: "block"
      case .fifo: "fifo"
      default: "file"
      }
    }
  }

  private var entries: [[UInt8]: Entry] = [:]
  /// All names of what has no directory, by the first one.
  private var names: [[UInt8]: [[UInt8]]] = [:]
  /// How many directories are directly in one.
  private var directoryCounts: [[UInt8]: Int] = [:]
  private var generator: SeededGenerator

  /// A tree with about as many entries.
  init(seed: UInt64, count: Int) {
    generator = SeededGenerator(seed: seed)
    addRoot()
    var directories: [[UInt8]] = [[]]
    for _ in 0..<count {
      let path = newPath(in: generator.pick(directories))
      switch generator.number(in: 0...9) {
      case 0, 1:
        directories.append(path)
        addDirectory(path)
      case 2: addLink(path)
      case 3: addNode(path)
      case 4 where !names.isEmpty: addName(path)
      default: addFile(path)
      }
    }
    // Any order will do, as long as the root is the first.
    inputs = [inputs[0]] + inputs.dropFirst().shuffled(using: &generator)
  }

  // MARK: Entries

  private mutating func addRoot() {
    var header = header([], .directory, mode: 0o1777)
    header.extendedAttributes = attributes(of: .directory)
    entries[[]] = Entry(header: header, first: [])
    inputs.append(TarInput(header: header))
  }

  private mutating func addDirectory(_ path: [UInt8]) {
    let header = header(path, .directory)
    entries[path] = Entry(header: header, first: path)
    directoryCounts[parent(path), default: 0] += 1
    inputs.append(TarInput(header: header))
  }

  private mutating func addLink(_ path: [UInt8]) {
    var header = header(path, .symbolicLink, mode: 0o777)
    header.linkName = name(length: generator.pick([1, 20, 59, 60, 3900, 4000, 4031, 4032, 4033, 4095]))
    add(path, TarInput(header: header))
  }

  private mutating func addNode(_ path: [UInt8]) {
    var header = header(path, generator.pick([.fifo, .characterDevice, .blockDevice]))
    if header.type != .fifo {
      let numbers: [(UInt32, UInt32)] = [
        (0, 0), (1, 3), (8, 255), (8, 256), (4095, 1_048_575), (259, 70_000),
      ]
      let (major, minor) = generator.pick(numbers)
      header.device = TarDevice(major: major, minor: minor)
    }
    add(path, TarInput(header: header))
  }

  private mutating func addName(_ path: [UInt8]) {
    let first = generator.pick(names.keys.sorted { $0.lexicographicallyPrecedes($1) })
    // Links to links, too.
    let target = generator.pick(names[first] ?? [first])
    guard let entry = entries[first] else { return }
    entries[path] = entry
    names[first]?.append(path)
    inputs.append(
      TarInput(header: TarHeader(name: path, type: .hardLink, mode: 0, linkName: Array("./".utf8) + target)))
  }

  private mutating func addFile(_ path: [UInt8]) {
    let sizes = [
      0, 1, 31, 100, 2000, 4000, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192, 8193, 65_536, 131_072,
      1 << 20,
      (1 << 20) + 1, 3_000_000,
    ]
    let size = generator.once(in: 3) ? generator.number(in: 0...20_000) : generator.pick(sizes)
    var bytes = pattern(size, seed: generator.next())
    // Zeros at the beginning, in the middle, at the end.
    if size > 200_000 {
      let start = generator.pick([0, 4096, 70_000, size - 140_000])
      for index in start..<(start + generator.pick([65_536, 100_000, 140_000])) { bytes[index] = 0 }
    }
    var header = header(path, .regular)
    header.byteCount = Int64(size)
    var hasher = ContentHasher(.sha256)
    bytes.withUnsafeBytes { hasher.update($0.bytes) }
    let isOneOf = generator.once(in: 2)
    add(
      path, TarInput(header: header, content: isOneOf ? .bytes(bytes) : .source(ArraySource(bytes))),
      digest: hasher.finalize().hex)
  }

  private mutating func add(_ path: [UInt8], _ input: TarInput, digest: String = "") {
    entries[path] = Entry(header: input.header, digest: digest, first: path)
    names[path] = [path]
    inputs.append(input)
  }

  // MARK: Properties

  private mutating func header(_ path: [UInt8], _ type: TarType, mode: UInt32? = nil) -> TarHeader {
    let modes: [UInt32] = [0o644, 0o755, 0, 0o4755, 0o2755, 0o1777, 0o7777]
    let numbers: [Int64] = [0, 1, 1000, 65_534, 1 << 31, 4_294_967_294]
    let name = Array("./".utf8) + path + (type == .directory ? Array("/".utf8) : [])
    var header = TarHeader(name: name, type: type, mode: mode ?? generator.pick(modes))
    header.owner = TarOwner(uid: generator.pick(numbers), gid: generator.pick(numbers))
    header.modificationTime = generator.pick([0, 1, 315_532_800, 1_700_000_000, 1 << 33, -1, -1 << 31])
    header.modificationNanoseconds = generator.pick([0, 1, 500_000_000, 999_999_999])
    if generator.once(in: 3) { header.extendedAttributes = attributes(of: type) }
    return header
  }

  private mutating func attributes(of type: TarType) -> [PAXRecord] {
    var attributes: [String: [UInt8]] = [
      "security.cooper": generator.bytes(generator.pick([0, 1, 2, 3, 4, 200]))
    ]
    if generator.once(in: 2) { attributes["trusted.\(String(repeating: "t", count: 247))"] = [1] }
    if type == .regular {
      attributes["security.capability"] = [1, 0, 0, 2, 0, 4] + [UInt8](repeating: 0, count: 14)
    }
    if type == .regular || type == .directory {
      attributes["user.small"] = Array("value".utf8)
      attributes["user.large"] = generator.bytes(generator.pick([10, 3900, 3990, 4100, 20_000, 65_535]))
    }
    return attributes.map { PAXRecord(key: Array($0.key.utf8), value: $0.value) }.sorted {
      $0.key.lexicographicallyPrecedes($1.key)
    }
  }

  private mutating func newPath(in directory: [UInt8]) -> [UInt8] {
    while true {
      let name = name(length: generator.pick([1, 2, 3, 8, 20, 100, 254, 255]))
      if name == [0x2E] || name == [0x2E, 0x2E] { continue }
      let path = directory.isEmpty ? name : directory + [UInt8(ascii: "/")] + name
      if entries[path] == nil { return path }
    }
  }

  /// Bytes that are valid in a name, most of them no UTF-8.
  private mutating func name(length: Int) -> [UInt8] {
    generator.bytes(length).map { $0 == 0 || $0 == UInt8(ascii: "/") ? UInt8(ascii: "!") : $0 }
  }

  private func parent(_ path: [UInt8]) -> [UInt8] {
    path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) } ?? []
  }
}

private func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
