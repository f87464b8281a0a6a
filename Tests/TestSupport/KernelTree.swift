/// A directory like a root with kernels in it, whose modules have nothing but a `.modinfo` section.
public final class KernelTree: Sendable {
  /// The root.
  public let directory: TemporaryDirectory

  /// A root without kernels.
  public init() throws { directory = try TemporaryDirectory() }

  /// Adds a kernel with modules, each with what it depends on; `builtIn` is nil for a kernel that has no list.
  public func add(
    _ release: String, modules: [String: [String]], builtIn: [String]? = nil, in place: String = "lib/modules"
  ) throws {
    try directory.write("kernel", to: "boot/vmlinuz-\(release)")
    try addModules(release, modules, builtIn, in: place)
  }

  /// Adds modules only.
  public func addModules(
    _ release: String, _ modules: [String: [String]], _ builtIn: [String]?, in place: String = "lib/modules"
  ) throws {
    for (name, dependencies) in modules {
      let info = "license=GPL\0depends=\(dependencies.joined(separator: ","))\0name=\(name)\0"
      try directory.write(
        Self.module(info), to: "\(place)/\(release)/kernel/drivers/\(name.prefix(3))/\(name).ko")
    }
    try directory.write("", to: "\(place)/\(release)/modules.order")
    if let builtIn {
      let lines = builtIn.map { "kernel/fs/\($0).ko\n" }.joined()
      try directory.write(lines, to: "\(place)/\(release)/modules.builtin")
    }
  }

  /// An ELF file with three sections: none, names, and `.modinfo`.
  private static func module(_ info: String) -> [UInt8] {
    let names = Array("\0.shstrtab\0.modinfo\0".utf8)
    let contents = Array(info.utf8)
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func section(_ name: Int, _ offset: Int, _ size: Int) -> [UInt8] {
      number(name, 4) + number(1, 4) + number(0, 16) + number(offset, 8) + number(size, 8) + number(0, 24)
    }
    let start = 64
    let table = start + names.count + contents.count
    var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + number(0, 9)
    bytes += number(1, 2) + number(62, 2) + number(1, 4) + number(0, 16) + number(table, 8) + number(0, 4)
    bytes += number(64, 2) + number(0, 4) + number(64, 2) + number(3, 2) + number(1, 2)
    bytes += names + contents
    bytes += [UInt8](repeating: 0, count: 64)
    bytes += section(1, start, names.count) + section(11, start + names.count, contents.count)
    return bytes
  }
}

/// What Debian's kernel 6.1 for clouds has as modules.
public let cloudModules: [String: [String]] = [
  "virtio": [], "virtio_ring": [], "virtio_pci_modern_dev": [], "virtio_pci_legacy_dev": [],
  "virtio_pci": ["virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio"],
  "virtio_blk": ["virtio", "virtio_ring"], "virtio_console": ["virtio", "virtio_ring"], "libcrc32c": [],
  "erofs": ["libcrc32c"], "overlay": [], "pvpanic": [], "pvpanic-pci": ["pvpanic"], "e1000": [],
]
