import Foundation
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

@Suite struct KVMVerdictTests {
  private let directory: TemporaryDirectory
  private let cache: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    cache = FilePath(directory.appending("cache"))
    for name in ["boot", "other boot", "kernel", "device"] { try directory.write("\(name)\n", to: name) }
  }

  private func verdict(
    kernel: String? = "kernel", device: String = "device", boot: String = "boot"
  ) throws -> KVMVerdict {
    try #require(
      KVMVerdict(
        cache: cache, kernel: kernel.map { FilePath(directory.appending($0)) },
        device: FilePath(directory.appending(device)), bootID: FilePath(directory.appending(boot))))
  }

  @Test func `what was found out counts until the machine is started anew`() throws {
    defer { directory.remove() }
    #expect(try verdict().state == nil)
    try verdict().remember(.absent("no device"))
    try verdict().remember(.notPermitted("not in the group"))
    #expect(try verdict().state == nil)
    #expect(!directory.contains("cache"))
    try verdict().remember(.dead("too slow\nby far"))
    #expect(try verdict().state == .dead("too slow by far"))
    #expect(try verdict(boot: "other boot").state == nil)
    try verdict().remember(.usable)
    #expect(try verdict().state == .usable)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.string) == ["kvm"])
    #expect(KVMVerdict(cache: nil, kernel: nil) == nil)
  }

  @Test func `it is of one device and of one kernel`() throws {
    defer { directory.remove() }
    try verdict().remember(.dead("too slow"))
    #expect(try verdict(kernel: nil).state == nil)
    #expect(try verdict(kernel: "other boot").state == nil)
    #expect(try verdict(device: "other boot").state == nil)
    #expect(try verdict(device: "nothing").state == nil)
    // Another file under the same name.
    try FileManager.default.moveItem(
      atPath: directory.appending("kernel"), toPath: directory.appending("old kernel"))
    try directory.write("newer kernel\n", to: "kernel")
    #expect(try verdict().state == nil)
    #expect(try verdict(kernel: "old kernel").state == .dead("too slow"))
  }

  @Test func `a cache that cannot be written to is no mistake`() throws {
    defer { directory.remove() }
    // Even root can make no directory there.
    try directory.write("", to: "cache")
    try verdict().remember(.dead("too slow"))
    #expect(try verdict().state == nil)
  }
}
