import SystemPackage
import TestSupport
import Testing
import VirtualMachine

/// What builds find out about KVM, and how long that counts.
@Suite(.serialized) struct MachineVerdictTests {
  private let place: Workplace
  private let kernel: String
  private let testdata =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  init() async throws {
    place = try Workplace()
    kernel = try await MachineParts.kernel()
  }

  private var cache: FilePath { FilePath(place.home.appending(".cache/cooper")) }

  private func verdict() throws -> KVMVerdict {
    let image = try KernelFiles.image(named: FilePath(kernel), cache: nil)
    return try #require(KVMVerdict(cache: cache, kernel: image))
  }

  private func cooper(
    _ arguments: [String], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    let variables = ["COOPER_KERNEL": kernel].merging(environment) { $1 }
    return try await place.cooper(arguments, environment: variables)
  }

  /// Exports by a machine for which there is no QEMU, so that it goes no further than to the choice of what runs it.
  private func export(_ options: [String] = []) async throws -> String {
    let result = try await cooper(
      ["export", testdata, "--arch", "amd64", "--vm"] + options, environment: ["PATH": place.directory.path])
    #expect(result.status == 1)
    return result.errors
  }

  @Test func `a probe that fails is remembered, and is told in one line`() async throws {
    defer { place.remove() }
    let probed = KVMProbe().run()
    let lines = try await export().split(separator: "\n")
    #expect(lines.last?.contains("there is no qemu-system-x86_64") == true)
    // A machine under KVM was not started, for there is no QEMU.
    if probed == .usable {
      #expect(lines.count == 1)
      #expect(try verdict().state == nil)
    } else {
      #expect(lines.count == 2)
      #expect(
        lines.first
          == "cooper: the virtual machine is emulated, which is 20 to 60 times slower: \(probed.description)")
    }
    if case .dead = probed { #expect(try verdict().state == probed) }
    if case .absent = probed { #expect(try verdict().state == nil) }
    let quiet = try await export(["--quiet"])
    #expect(!quiet.contains("emulated"))
  }

  @Test func `what is remembered counts without another probe, but not for who names KVM`() async throws {
    defer { place.remove() }
    try verdict().remember(.dead("a made-up reason"))
    #expect(try await export().contains("KVM is there and does not work: a made-up reason\n"))
    let named = try await export(["--executor", "kvm"])
    #expect(!named.contains("a made-up reason"), "\(named)")
    // Another kernel has another verdict.
    let tree = try KernelTree()
    try tree.add("6.1.77-made-up", modules: cloudModules)
    let other = try await cooper(
      ["export", testdata, "--arch", "amd64", "--vm"],
      environment: ["PATH": place.directory.path, "COOPER_KERNEL": tree.directory.path])
    #expect(other.status == 1 && !other.errors.contains("a made-up reason"), "\(other.errors)")
  }

  @Test func `builds remember, doctor does not, and a cache that cannot be written to is no mistake`()
    async throws
  {
    defer { place.remove() }
    let spec = try place.directory.write(
      #"{"name": "x", "tag": "1", "runAsRoot": "true", "compressor": "none"}"#, to: "spec.json")
    let doctor = try await cooper(["doctor"])
    #expect(doctor.status == 0)
    #expect(!place.home.contains(".cache"))
    let build = ["build", "image", spec, "-o", "-", "-q", "--executor", "auto"]
    let blocked = try await cooper(build, environment: ["XDG_CACHE_HOME": "/dev/null"])
    #expect(blocked.status == 0, "\(blocked.errors)")
    #expect(blocked.errors.isEmpty)
    #expect(try await cooper(build).status == 0)
    switch KVMProbe().run() {
    case .dead(let reason): #expect(try verdict().state == .dead(reason))
    case .usable: #expect(try verdict().state != nil)
    case .absent, .notPermitted: #expect(try verdict().state == nil)
    }
  }

  @Test func `doctor tells what is remembered where a probe succeeds`() async throws {
    defer { place.remove() }
    try verdict().remember(.dead("a made-up reason"))
    let result = try await cooper(["doctor"])
    let isUsable = KVMProbe().run() == .usable
    #expect(result.text.contains("a made-up reason") == isUsable)
    #expect(result.text.contains("\(cache)/kvm is removed") == isUsable)
    #expect(try verdict().state == .dead("a made-up reason"))
  }
}
