import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import VirtualMachine

/// Kernels in directories that look like a root.
@Suite struct KernelFilesTests {
  private static let release = "6.1.0-56-cloud-amd64"

  @Test(arguments: ["lib/modules", "usr/lib/modules"])
  func `modules come after those that they depend on, and what is built in is left out`(place: String) throws
  {
    let tree = try KernelTree()
    try tree.add(Self.release, modules: cloudModules, builtIn: ["ext4", "crc32c_generic"], in: place)
    let found = try KernelFiles(named: nil, cache: nil, root: tree.root)
    #expect(found.release == Self.release)
    #expect(found.version == ReleaseVersion(6, 1))
    #expect(found.image == tree.root.appending("boot").appending("vmlinuz-\(Self.release)"))
    #expect(
      found.modules.map(\.name) == [
        "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio", "virtio_pci", "virtio_blk",
        "virtio_console", "overlay", "libcrc32c", "erofs", "pvpanic", "pvpanic_pci",
      ])
    #expect(try found.modules.allSatisfy { try $0.contents().starts(with: [0x7F, 0x45, 0x4C, 0x46]) })
  }

  @Test(arguments: [("xz", ".ko.xz"), ("zstd", ".ko.zst"), ("gzip", ".ko.gz")])
  func `compressed modules are read like others`(program: String, suffix: String) async throws {
    let tree = try KernelTree()
    try tree.add(Self.release, modules: cloudModules)
    let path = tree.directory.appending("lib/modules")
    try await Program.check(
      "/bin/sh", ["-c", "find \"$1\" -name '*.ko' -exec \(program) -q {} +", "sh", path])
    if program == "zstd" {
      try await Program.check("/bin/sh", ["-c", "find \"$1\" -name '*.ko' -delete", "sh", path])
    }
    let found = try KernelFiles(named: nil, cache: nil, root: tree.root)
    #expect(found.modules.count == 12)
    #expect(found.modules.allSatisfy { $0.path.string.hasSuffix(suffix) })
    #expect(try found.modules.allSatisfy { try $0.contents().starts(with: [0x7F, 0x45, 0x4C, 0x46]) })
  }

  @Test(arguments: [
    (["6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64", "5.10.0-30-amd64"], "6.1.0-56-cloud-amd64"),
    (["6.12.9+deb12-amd64", "6.1.0-9-amd64"], "6.1.0-9-amd64"),
    (["6.12.9+deb13-amd64", "6.12.38+deb13-amd64"], "6.12.38+deb13-amd64"),
  ])
  func `of several kernels it is the newest up to 6.1`(releases: [String], expected: String) throws {
    let tree = try KernelTree()
    for release in releases { try tree.add(release, modules: cloudModules) }
    #expect(try KernelFiles(named: nil, cache: nil, root: tree.root).release == expected)
  }

  @Test func `what is named comes before the cache, and the cache before what is installed`() throws {
    let (named, cache, root) = (try KernelTree(), try KernelTree(), try KernelTree())
    try named.add("6.1.1-named", modules: cloudModules)
    try root.add("6.1.3-installed", modules: cloudModules)
    func release(_ name: FilePath?) throws -> String {
      try KernelFiles(named: name, cache: cache.root, root: root.root).release
    }
    #expect(try release(nil) == "6.1.3-installed")
    try cache.directory.write("kernel", to: "kernel/boot/vmlinuz-6.1.2-cached")
    try cache.addModules("6.1.2-cached", cloudModules, nil, in: "kernel/lib/modules")
    #expect(try release(nil) == "6.1.2-cached")
    #expect(try release(named.root) == "6.1.1-named")
    #expect(try release(named.root.appending("boot").appending("vmlinuz-6.1.1-named")) == "6.1.1-named")
  }

  @Test func `a kernel of Nix's packages is known by the only directory of modules`() throws {
    let tree = try KernelTree()
    try tree.addModules("6.6.30", cloudModules, nil)
    let image = FilePath(try tree.directory.write("kernel", to: "bzImage"))
    for name in [tree.root, image] {
      let found = try KernelFiles(named: name, cache: nil)
      #expect(found.release == "6.6.30")
      #expect(found.image == image)
    }
  }

  // MARK: What is missing

  @Test func `where there is none, the places and the remedy are named`() throws {
    let tree = try KernelTree()
    let error = #expect(throws: KernelError.self) {
      try KernelFiles(named: nil, cache: tree.root.appending("cache"), root: tree.root)
    }
    let text = try #require(error).description
    #expect(text.contains("\(tree.root)/cache/kernel/boot, \(tree.root)/boot"))
    #expect(text.contains("tools/vm-kernel"))
  }

  @Test(arguments: ["nothing", "boot", "file"])
  func `what is named and no kernel is not replaced by another one`(name: String) throws {
    let tree = try KernelTree()
    try tree.add(Self.release, modules: cloudModules)
    try tree.directory.write("text", to: "file")
    #expect(throws: KernelError.notThere(named: "\(tree.root)/other/\(name)")) {
      try KernelFiles(
        named: tree.root.appending("other").appending(name), cache: tree.root, root: tree.root)
    }
  }

  @Test func `a module that is neither a file nor built in is missed`() throws {
    let tree = try KernelTree()
    var modules = cloudModules
    modules["erofs"] = nil
    modules["pvpanic-pci"] = nil
    try tree.add(Self.release, modules: modules, builtIn: ["ext4"])
    let directory = "\(tree.root)/lib/modules/\(Self.release)"
    #expect(throws: KernelError.missingModule("erofs", directory: directory)) {
      try KernelFiles(named: nil, cache: nil, root: tree.root)
    }
  }

  @Test func `a module that is no ELF file is named`() throws {
    let tree = try KernelTree()
    try tree.add(Self.release, modules: cloudModules)
    let path = try tree.directory.write(
      "no module", to: "lib/modules/\(Self.release)/kernel/drivers/ero/erofs.ko")
    let error = #expect(throws: KernelError.self) {
      try KernelFiles(named: nil, cache: nil, root: tree.root)
    }
    #expect(error?.description.hasPrefix("\(path) is no kernel module") == true)
  }

  @Test func `a damaged module ends in an error and nothing worse`() throws {
    let tree = try KernelTree()
    try tree.add(Self.release, modules: cloudModules)
    let name = "lib/modules/\(Self.release)/kernel/drivers/ero/erofs.ko"
    let sound = try tree.directory.read(name)
    let module = try #require(KernelModule(FilePath(tree.directory.appending(name))))
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<100 {
      var bytes = sound
      for _ in 0..<4 {
        bytes[generator.number(in: 6...bytes.count - 1)] = generator.pick([0, 1, 0x7F, 0xFF])
      }
      if generator.once(in: 4) { bytes.removeLast(generator.number(in: 1...bytes.count - 7)) }
      try tree.directory.write(bytes, to: name)
      _ = try? module.dependencies()
    }
  }

  @Test(arguments: [
    ("7.2.22", "6.12.1", false), ("7.2.22", "6.1.192", true), ("8.1.0", "6.12.1", true),
    ("10.0.2", "7.0", true),
  ])
  func `an old QEMU does not emulate new kernels`(qemu: String, kernel: String, isReliable: Bool) throws {
    let (qemu, kernel) = (
      try #require(ReleaseVersion(parsing: qemu)), try #require(ReleaseVersion(parsing: kernel))
    )
    #expect(qemu.emulatesReliably(kernel: kernel) == isReliable)
  }
}

extension KernelTree {
  fileprivate var root: FilePath { FilePath(directory.path) }
}
