import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import VirtualMachine

/// What is said of `/dev/kvm`, and of what only looks like it.
@Suite struct KVMProbeTests {
  @Test func `a device that is not there is absent`() throws {
    guard case .absent(let reason) = KVMProbe(device: "/dev/no such device").run() else {
      Issue.record("it is not")
      return
    }
    #expect(reason == "/dev/no such device: No such file or directory")
  }

  @Test func `a device that is none of KVM's is dead`() throws {
    guard case .dead(let reason) = KVMProbe(device: "/dev/null").run() else {
      Issue.record("it is not")
      return
    }
    #expect(reason.hasPrefix("version -1 of KVM fails"))
  }

  @Test func `two probes of this machine agree, whatever they find`() {
    let (first, second) = (KVMProbe().run(), KVMProbe().run())
    #expect(first == second)
    // Without the flags of the processor there is nothing that a virtual processor could run on.
    if first == .usable { #expect(!KVMProbe().hints.contains("the processor has neither vmx nor svm")) }
  }

  @Test func `hints come from the processor's flags and the modules`() throws {
    let directory = try TemporaryDirectory()
    let probe = KVMProbe(root: FilePath(directory.path))
    try directory.write("processor: 0\nflags\t\t: fpu vmx sse\n", to: "proc/cpuinfo")
    #expect(probe.hints == [])
    try directory.write("processor: 0\nflags\t\t: fpu vmxless sse\n", to: "proc/cpuinfo")
    #expect(probe.hints == ["the processor has neither vmx nor svm"])
    try directory.write("", to: "sys/module/kvm_pvm/parameters/one")
    #expect(probe.hints.count == 2)
  }

  // MARK: The limit

  @Test func `a call that ends by itself gives its result`() {
    #expect(TimeLimit.run(processor: .seconds(60), wall: .seconds(60)) { 42 } == 42)
  }

  @Test func `a call that waits is ended by the time of day`() {
    let result = TimeLimit.run(processor: .seconds(60), wall: .milliseconds(20)) {
      poll(nil, 0, -1)
    }
    #expect(result == nil)
  }

  @Test func `a call that is busy is ended by its processor time`() throws {
    // The kernel makes random numbers until a signal comes.
    let source = open("/dev/urandom", O_RDONLY)
    defer { close(source) }
    let result = TimeLimit.run(processor: .milliseconds(20), wall: .seconds(600)) {
      let size = 1 << 20
      let space = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
      defer { space.deallocate() }
      var count = 0
      repeat { count = read(source, space, size) } while count == size
      return Int32(truncatingIfNeeded: count)
    }
    #expect(result == nil)
  }
}
