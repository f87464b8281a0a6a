import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `runAsRoot` in a virtual machine: the same layer as without one, for everybody.
@Suite(.serialized) struct MachineExecutorTests {
  private let executors: ExecutorPlace
  private var place: Workplace { executors.place }
  private var scratch: String { executors.scratch }
  private var tool: String { executors.tool }

  init() async throws { executors = try await ExecutorPlace() }

  /// An image of two tars made by root or whoever runs the tests, with hard links, replaced files, and some of several MiB.
  private func makeBase() async throws -> String {
    let script = """
      set -e
      mkdir -p "$1" && cd "$1"
      mkdir -p etc opt/app/old opt/replaced opt/emptied var/empty home tmp sbin
      printf 'root:x:0:0:root:/root:/bin/sh\\n' >etc/passwd
      printf 'root:x:0:\\n' >etc/group
      echo old >opt/app/file; ln opt/app/file opt/app/same; echo old >opt/app/old/inner
      echo old >opt/replaced/file; echo old >opt/emptied/file; echo same >opt/same
      echo target >opt/target; ln -s target opt/link
      echo pair >opt/pair; ln opt/pair opt/pair2; echo twin >opt/twin; ln opt/twin opt/twin2
      echo used >opt/used; ln opt/used opt/used2; echo single >opt/single; echo over >opt/over; ln opt/over opt/over2
      ln -s nowhere opt/symbolic; ln opt/symbolic opt/symbolic2
      echo third >opt/third; ln opt/third opt/thirds; seq 400000 >opt/large; echo below >opt/layered; : >opt/nothing; echo kept >opt/kept
      chmod 1777 tmp
      tar --owner=0 --group=0 --numeric-owner -cf "$2" .
      echo above >opt/layered; seq 300000 500000 >opt/upper
      tar --owner=0 --group=0 --numeric-owner -czf "$3" ./opt/layered ./opt/upper
      """
    let layer = place.directory.appending("layer.tar")
    let upper = place.directory.appending("upper.tar.gz")
    try await Program.check("sh", ["-c", script, "sh", place.directory.appending("base"), layer, upper])
    let empty = place.directory.appending("empty.tar")
    let spec = try executors.write(["name": "empty", "tag": "1"])
    #expect(try await place.cooper(["build", "image", spec, "-o", empty, "-q"]).status == 0)
    let base = place.directory.appending("base.tar")
    let result = try await place.cooper([
      "append", empty, layer, upper, "-o", "docker-archive:\(base):base:1",
    ])
    try #require(result.status == 0, "\(result.errors)")
    return base
  }

  private static let script = """
    echo alice:x:1000:1000::/:/bin/sh >> /etc/passwd; echo alice:x:1000: >> /etc/group
    mkdir -p /data/deep; echo content > /data/file; chown alice: /data; chown 3000000000:70000 /data/file
    chmod 4755 /data/file; chmod 2750 /data/deep; chown root:root /opt/same; chown 0:0 /opt/kept
    ln /data/file /data/further; ln -s ../opt/target /data/link; mkfifo /data/pipe
    mknod /data/null c 1 3; mknod /data/disk b 7 300; chmod 660 /data/disk; chown 0:6 /data/disk
    setcap cap_net_raw+ep /data/file; setfattr -n user.note -v text /opt/same
    rm -r /opt/app/old; rm -r /opt/replaced; echo file > /opt/replaced
    rm -r /opt/emptied; mkdir /opt/emptied; echo new > /opt/emptied/new
    echo more >> /opt/app/file
    rm /opt/link; mkdir /opt/link; echo in > /opt/link/inside
    rmdir /var/empty; chmod 750 /home
    mv /opt/app /opt/tool; mv /opt/target /opt/moved; mv /opt/link /opt/away
    echo odd > '/data/a b'; printf odd > "/data/$(printf 'caf\\303\\251')"
    echo none > /data/closed; chmod 0 /data/closed
    mkdir /many; for i in {1..2000}; do : > /many/$i; done
    echo more >> /opt/used; rm /opt/used; mv /opt/third /opt/third2; echo more >> /opt/third2; mv /opt/single /opt/over; chown -h 5 /opt/symbolic2
    rm /opt/pair2; ln /opt/twin /opt/twin3; ln /opt/third2 /opt/fourth; chmod 600 /opt/upper
    cat /opt/* 2>/dev/null | sha256sum > /data/sum
    """

  /// Another machine, which finds what the first one left, and the rest of the base as it was.
  private static let further = """
    cat /opt/* 2>/dev/null | sha256sum > /data/further-sum; rm /opt/twin2; echo more >> /opt/layered
    """

  @Test(.enabled(if: RootAccess.isExpected, "only root can make namespaces, and become another user"))
  func `the machine gives the same bytes as namespaces, to root and to an ordinary user`() async throws {
    defer { place.remove() }
    let base = try await makeBase()
    let spec = try executors.write([
      "name": "same", "fromImage": .string(base), "runAsRoot": .string(Self.script),
      "extraCommands": .string(Self.further),
    ])
    try await executors.expectSame(spec, by: [("tcg", nil), ("tcg", "65534"), ("namespace", "65534")])
  }

  @Test func `the customisation layer of a layered image has the same bytes, too`() async throws {
    defer { place.remove() }
    let spec = try executors.write([
      "name": "layered", "tag": "1", "enableFakechroot": true,
      "extraCommands": """
      mkdir -p opt/deep srv; echo one >opt/one; ln opt/one opt/two; echo big >opt/deep/file; ln -s one opt/link
      chmod 4755 opt/one; mkfifo opt/pipe; seq 100000 >srv/large
      """,
      "fakeRootCommands": """
      echo more >>/opt/two; chown 1000:70000 /opt/deep; rm /srv/large; mknod /opt/null c 1 3; echo new >/srv/new
      ln /opt/deep/file /opt/file; chmod 2750 /srv; setcap cap_net_raw+ep /srv/new; mkdir -p /nix/var
      """,
    ])
    try await executors.expectSame(spec, kind: "layered", by: [("tcg", nil)])
  }

  @Test func `store paths that only a file of the base speaks of are there, with all they need`()
    async throws
  {
    defer { place.remove() }
    try await HelloStore.with { store in
      try FileManager.default.createDirectory(
        atPath: store.path("more/etc"), withIntermediateDirectories: true)
      try store.place.directory.write("\(HelloStore.hello)/bin/hello\n", to: "more/etc/greeter")
      let base = store.path("base.tar")
      let image = try #require(HelloStore.base.string)
      try await store.check([
        "append", image, store.path("more"), "--platform", "linux/amd64", "-o",
        "docker-archive:\(base):base:1",
      ])
      let archive = try await store.build(
        [
          "fromImage": .string(base), "executor": "tcg", "compressor": "none",
          "runAsRoot": "$(cat /etc/greeter) > /greeting; ls /nix/store > /seen",
        ], environment: ["COOPER_KERNEL": try await MachineParts.kernel()])
      let exported = store.path("exported.tar")
      try await store.check(["export", archive, "--arch", "amd64", "-o", exported])
      func text(_ name: String) async throws -> String {
        try await Program.check("tar", ["-xOf", exported, "./\(name)"]).text
      }
      let greeting = try await text("greeting")
      #expect(greeting == "Hello, world!")
      #expect(
        try await text("seen").split(separator: "\n").map { "/nix/store/\($0)" }
          == [HelloStore.busybox, HelloStore.hello])
    }
  }

  @Test func `a script that fails is named with its line, and what it printed was shown`() async throws {
    defer { place.remove() }
    let spec = try executors.write([
      "name": "x", "tag": "1", "runAsRoot": "echo shown\necho also >&2\nfalse\n",
    ])
    let result = try await executors.build(spec, "tcg")
    #expect(result.status == 1)
    #expect(result.output.isEmpty)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.prefix(2) == ["shown", "also"])
    #expect(result.errors.contains("“runAsRoot”: “false” in line 3 failed; the commands ended with status 1"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal ends the machine and leaves nothing`(signal: Int32) async throws {
    defer { place.remove() }
    let spec = try executors.write(["name": "x", "tag": "1", "runAsRoot": "echo started; sleep 1000"])
    let running = try RunningProgram(
      tool, ["build", "image", spec, "-o", place.directory.appending("x.tar"), "-q", "--executor", "tcg"],
      environment: ["TMPDIR": scratch, "COOPER_KERNEL": try await MachineParts.kernel()])
    defer { running.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    // The machine's log is not seen here, but its disks are.
    while try await machines().isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(try await machines().count == 1)
    running.signal(signal)
    let result = try await running.result()
    #expect(result.status == 128 + signal, "\(result.errors)")
    #expect(try await machines().isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
    #expect(!place.directory.contains("x.tar"))
  }

  /// The processes that have a file in the scratch directory open and are QEMU.
  private func machines() async throws -> [String] {
    let script = """
      for process in /proc/[0-9]*; do
        [ "$(cat "$process/comm" 2>/dev/null)" = qemu-system-x86 ] || continue
        ls -l "$process/fd" 2>/dev/null | grep -q " $1/" && echo "${process#/proc/}"
      done
      true
      """
    return try await Program.check("sh", ["-c", script, "sh", scratch]).text.split(separator: "\n")
      .map(String.init)
  }

  @Test func `what is missing is named, and nothing is done instead`() async throws {
    defer { place.remove() }
    let spec = try executors.write(["name": "x", "tag": "1", "runAsRoot": "true"])
    let noKernel = try await executors.build(spec, "tcg", environment: ["COOPER_KERNEL": "/nonexistent"])
    #expect(noKernel.status != 0 && noKernel.errors.contains("/nonexistent"))
    let noGuest = try await executors.build(spec, "tcg", environment: ["COOPER_GUEST": "/nonexistent/guest"])
    #expect(noGuest.status != 0 && noGuest.errors.contains("COOPER_GUEST"))
    try FileManager.default.createSymbolicLink(
      atPath: place.directory.appending("bin/bash"), withDestinationPath: Program.find("bash"))
    let noQEMU = try await executors.build(
      spec, "tcg", environment: ["PATH": place.directory.appending("bin")])
    #expect(noQEMU.status != 0 && noQEMU.errors.contains("qemu-system-x86"))
    let kvm = try await executors.build(spec, "kvm")
    #expect(kvm.status == 0 || kvm.errors.contains("KVM cannot be used"), "\(kvm.errors)")
    let layered = try executors.write([
      "name": "x", "tag": "1", "fakeRootCommands": "true", "executor": "tcg",
    ])
    let refused = try await place.cooper(
      ["build", "layered", layered, "-o", "-"],
      environment: ["COOPER_KERNEL": try await MachineParts.kernel()])
    #expect(refused.status == 2)
  }
}
