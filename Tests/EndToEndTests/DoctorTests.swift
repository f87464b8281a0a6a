import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `cooper doctor` on this machine, and without any program.
@Suite struct DoctorTests {
  private static let names = [
    "KVM", "QEMU", "kernel", "guest program", "user namespaces", "ptrace", "bash",
    "Nix", "logins",
  ]

  @Test func `every finding has a line, and the verdict comes last`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["doctor"])
    #expect(result.status == 0)
    #expect(result.errors == "")
    let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.count == Self.names.count + 2)
    for (line, name) in zip(lines, Self.names) {
      #expect(["✓ ", "! ", "✗ "].contains { line.hasPrefix($0 + name) }, "\(line)")
      // Whatever is not all there says what that costs.
      if !line.hasPrefix("✓") { #expect(line.contains(": "), "\(line)") }
    }
    #expect(lines.last?.hasPrefix("Scripts as root ") == true)
  }

  @Test func `JSON says the same`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["doctor", "--json"])
    #expect(result.status == 0)
    let object = try #require(try JSONValue(parsing: result.output).object)
    let findings = try #require(object["findings"]?.array).compactMap(\.object)
    #expect(findings.compactMap { $0["name"]?.string } == Self.names)
    for finding in findings {
      let isGood = finding["state"] == "good"
      #expect(finding["cost"]?.string == nil || !isGood)
      #expect(finding["fact"]?.string?.isEmpty == false)
    }
    #expect(object["runAsRoot"]?.object?["reason"]?.string?.isEmpty == false)
  }

  @Test func `a machine without programs gets an answer, and status 0`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let environment = ["PATH": place.directory.path, "TMPDIR": place.directory.appending("not there")]
    let result = try await place.cooper(
      ["doctor", "--store-root", place.directory.path], environment: environment)
    #expect(result.status == 0)
    for name in ["QEMU", "bash", "Nix"] { #expect(result.text.contains("✗ \(name) ")) }
    #expect(result.text.hasSuffix("\nScripts as root cannot be run here: there is no bash."))
  }

  @Test func `the kernel that is named is looked at, and no other`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let tree = try KernelTree()
    try tree.add("6.1.77-made-up", modules: cloudModules)
    for (path, mark) in [(tree.directory.path, "✓"), (place.directory.path, "✗")] {
      let result = try await place.cooper(["doctor"], environment: ["COOPER_KERNEL": path])
      #expect(result.text.contains("\(mark) kernel "))
      #expect(result.text.contains("6.1.77-made-up") == (mark == "✓"))
    }
  }

  @Test func `trying leaves nothing behind`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["doctor"], environment: ["TMPDIR": place.directory.path])
    #expect(result.status == 0)
    #expect(try place.directory.names() == [])
    #expect(!place.home.contains(".cache"))
  }
}
