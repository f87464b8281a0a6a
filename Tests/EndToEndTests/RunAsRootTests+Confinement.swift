import Foundation
import OrderedJSON
import TestSupport
import Testing

/// What scripts reach, and what is said of them.
extension RunAsRootTests {
  @Test(.enabled(if: RootAccess.isExpected, "only root can become another user"), arguments: [true, false])
  func `a script sees no process of this machine, and writes nothing outside of its tree`(asRoot: Bool)
    async throws
  {
    defer { place.remove() }
    let outside = place.directory.appending("outside")
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: false)
    let scratch = place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    for path in [outside, scratch] { chmod(path, 0o1777) }
    chmod(place.directory.path, 0o755)
    let script = """
      echo processes: $(ls -d /proc/[0-9]* | wc -l); ! kill -0 \(getpid()) 2>/dev/null || echo sees
      for way in '\(outside)' /proc/1/root'\(outside)' /../..'\(outside)'; do [ ! -e "$way" ] || echo "reaches $way"; done
      # The old way out of a chroot.
      mkdir /jail; chroot /jail /none 2>/dev/null || :; ls /dev | tr '\n' ' '; echo
      ! (echo x > /sys/kernel/uevent_helper) 2>/dev/null || echo writes sys
      # Opened and not written to, lest a failure of this test changes the machine.
      for file in sys/kernel/core_pattern sysrq-trigger; do ! (: > /proc/$file) 2>/dev/null || echo writes $file; done
      uname -n
      grep -c : /proc/net/dev
      """
    let spec = try place.directory.write(
      String(
        decoding: JSONValue.object(["name": "confined", "runAsRoot": .string(script)]).serialized(),
        as: UTF8.self), to: "spec.json")
    let tool = place.directory.appending("cooper")
    try await Program.check("cp", [Program.builtTool, tool])
    let identity = asRoot ? [] : ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    let result = try await Program.run(
      "env", identity + [tool, "build", "image", spec, "-o", scratch + "/out.tar", "-q"],
      environment: ["TMPDIR": scratch, "HOME": scratch])
    try #require(result.status == 0, "\(result.errors)")
    let lines = result.errors.split(separator: "\n").map(String.init)
    let processes = try #require(lines.first?.split(separator: " ").last.flatMap { Int($0) })
    // The first one, bash, its subshells, ls and wc; this machine has dozens.
    #expect(processes <= 10, "\(result.errors)")
    #expect(
      lines.contains("fd full null random shm stderr stdin stdout tty urandom zero "), "\(result.errors)")
    #expect(lines.contains("localhost"), "\(result.errors)")
    // The loopback device alone.
    #expect(lines.last == "1", "\(result.errors)")
    #expect(!result.errors.contains("sees") && !result.errors.contains("reaches"), "\(result.errors)")
    #expect(!result.errors.contains("writes "), "\(result.errors)")
  }

  @Test func `a script has this machine's network when it is given it, and otherwise one of its own`()
    async throws
  {
    defer { place.remove() }
    let spec = try place.directory.write(
      #"{"name": "network", "runAsRoot": "readlink /proc/self/ns/net"}"#, to: "spec.json")
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    for (options, isOwn) in [(["--network"], false), ([], true)] {
      let result = try await place.cooper(
        ["build", "image", spec, "-o", place.directory.appending("out.tar"), "--quiet"] + options)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.hasPrefix("net:["), "\(result.errors)")
      #expect((result.errors != own + "\n") == isOwn, "\(result.errors) \(own)")
    }
  }

  @Test func `the last lines of a failed script are in the error`() async throws {
    defer { place.remove() }
    let result = try await tryToBuild(
      ["name": "fails", "runAsRoot": "for i in $(seq 100); do echo line $i; done; exit 3"],
      to: place.directory.appending("built.tar"))
    #expect(result.status == 1)
    // All of them live, and then the last twenty once more.
    #expect(result.errors.hasPrefix("line 1\nline 2\n"))
    let repeated = (81...100).map { "  line \($0)\n" }.joined()
    let reason = "“runAsRoot”: the commands ended with status 3; their last lines were:\n"
    #expect(result.errors.hasSuffix(reason + repeated), "\(result.errors.suffix(900))")
  }
}
