import SystemPackage
import TestSupport
import Testing
import VirtualMachine

@Suite struct KVMVerdictTests {
  @Test func `what was found out counts until the machine is started anew`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let first = try FilePath(directory.write("first\n", to: "first"))
    let second = try FilePath(directory.write("second\n", to: "second"))
    let cache = FilePath(directory.appending("cache"))
    let verdict = try #require(KVMVerdict(cache: cache, bootID: first))
    #expect(verdict.state == nil)
    verdict.remember(.absent("no device"))
    #expect(verdict.state == nil)
    verdict.remember(.dead("too slow\nby far"))
    #expect(verdict.state == .dead("too slow by far"))
    #expect(try #require(KVMVerdict(cache: cache, bootID: second)).state == nil)
    verdict.remember(.usable)
    #expect(verdict.state == .usable)
    #expect(KVMVerdict(cache: nil, bootID: first)?.state == nil)
  }
}
