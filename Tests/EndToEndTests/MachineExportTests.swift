import Foundation
import TestSupport
import Testing

/// `export --vm`: the kernel of a virtual machine has the files that `export` computes.
@Suite(.serialized, WithDockerDaemon()) struct MachineExportTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let testdata = "oci:" + root + "/testdata/image:1.35"
  private let place: Workplace

  init() throws {
    try Program.require("qemu-system-x86_64", package: "qemu-system-x86")
    place = try Workplace()
  }

  @discardableResult
  private func cooper(_ arguments: [String]) async throws -> Program.Result {
    let result = try await place.cooper(arguments)
    try #require(result.status == 0, "\(result.errors)")
    return result
  }

  /// Runs `export --vm` of an image.
  private func exportByMachine(
    _ image: String, _ options: [String] = [], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    let variables = ["COOPER_KERNEL": try await MachineParts.kernel()].merging(environment) { $1 }
    return try await Program.cooper(
      ["export", image, "--vm", "--executor", "tcg"] + options, home: place.home, environment: variables,
      timeout: .seconds(400))
  }

  private func expectSameBytes(
    _ image: String, _ options: [String] = [], _ comment: Comment? = nil
  ) async throws {
    let expected = try await cooper(["export", image] + options)
    let found = try await exportByMachine(image, options)
    try #require(found.status == 0, "\(found.errors)")
    #expect((found.output == expected.output) as Bool, comment)
  }

  /// An image of the layers that a script of testdata writes.
  private func image(_ script: String, _ arguments: [String] = [], base: String = "scratch") async throws
    -> String
  {
    let layers = place.directory.appending("layers")
    try FileManager.default.createDirectory(atPath: layers, withIntermediateDirectories: false)
    try await Program.check("python3", ["\(Self.root)/testdata/\(script)"] + arguments + [layers])
    return try await image(of: layers, base: base)
  }

  /// An image of the tars in a directory, in the order of their names.
  private func image(of layers: String, base: String = "scratch") async throws -> String {
    let tars = try FileManager.default.contentsOfDirectory(atPath: layers).sorted().map { "\(layers)/\($0)" }
    let layout = "oci:\(place.directory.appending("layout")):1"
    try await cooper(["append", base, "--platform", "linux/amd64"] + tars + ["-o", layout])
    return layout
  }

  @Test(arguments: [[], ["--keep-times", "--keep-hard-links"]])
  func `everything that a file system holds and a layer changes gives the same bytes`(
    options: [String]
  ) async throws {
    defer { place.remove() }
    try await expectSameBytes(try await image("odd-layers.py"), options)
  }

  // With the two of testdata's image.
  @Test(arguments: [1, 20, 118])
  func `random layers give the same bytes, however many`(layerCount: Int) async throws {
    defer { place.remove() }
    let seed = UInt64.random(in: 0..<1_000_000)
    let layout = try await image(
      "random-layers.py", ["\(seed)", "\(layerCount)"], base: layerCount == 1 ? "scratch" : Self.testdata)
    try await expectSameBytes(layout, [], "seed \(seed)")
  }

  @Test func `an image that Docker made gives the same bytes, to a file, too`() async throws {
    defer { place.remove() }
    let docker = try Engines.docker
    let name = "localhost/cooper/machine"
    let archive = place.directory.appending("image.tar")
    try await cooper(["copy", Self.testdata, "docker-archive:\(archive):\(name):0", "--arch", "amd64"])
    try await docker.docker(["load", "--input", archive])
    let changes = [
      """
      cd /; mkdir -p data/old data/emptied; echo one >data/file; ln data/file data/same; ln -s file data/link
      echo old >data/old/inner; echo old >data/emptied/old; chown 1000:70000 data/file; chmod 4755 data/file
      mknod data/null c 1 3; mkfifo data/pipe; echo odd >"data/a b"
      """,
      """
      cd /; rm -r data/old data/link; rm -r data/emptied; mkdir data/emptied; echo new >data/emptied/new
      echo more >>data/same; rm data/null; mkdir data/null; chmod 700 data
      """,
    ]
    for (number, script) in changes.enumerated() {
      let container = "machine-export-\(number)"
      let run = ["run", "--name", container, "--network", "none", "\(name):\(number)"]
      try await docker.docker(run + ["/bin/busybox", "sh", "-e", "-c", "PATH=/bin; alias\n\(script)"])
      try await docker.docker(["commit", container, "\(name):\(number + 1)"])
      try await docker.docker(["rm", container])
    }
    try await docker.docker(["save", "--output", archive, "\(name):\(changes.count)"])
    let computed = place.directory.appending("computed.tar")
    let unpacked = place.directory.appending("unpacked.tar")
    try await cooper(["export", archive, "-o", computed])
    let result = try await exportByMachine(archive, ["-o", unpacked])
    try #require(result.status == 0, "\(result.errors)")
    let listing = try await Program.check("tar", ["-tf", unpacked]).text
    #expect(listing.contains("./data/emptied/new"))
    #expect(!listing.contains("./data/emptied/old"))
    let isSame = try await Program.run("cmp", [computed, unpacked])
    #expect(isSame.status == 0, "\(isSame.text)")
  }

  @Test(.enabled(if: RootAccess.isExpected, "only root can become another user"))
  func `an ordinary user gets the same bytes, and nothing is left`() async throws {
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    let scratch = place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    try await cooper(["copy", Self.testdata, "oci:\(layout):1", "--arch", "amd64"])
    // By another process, since what this one writes may be open in one that it starts meanwhile.
    try await Program.check("cp", [Program.builtTool, MachineParts.guest, place.directory.path])
    try await Program.check("chmod", ["-R", "a+rX", place.directory.path])
    chmod(scratch, 0o1777)
    let expected = try await cooper(["export", "oci:\(layout):1"])
    let found = try await Program.run(
      "setpriv",
      [
        "--reuid", "65534", "--regid", "65534", "--clear-groups", place.directory.appending("cooper"),
        "export",
        "oci:\(layout):1", "--vm", "--executor", "tcg",
      ],
      environment: [
        "TMPDIR": scratch, "HOME": "/nonexistent", "COOPER_KERNEL": try await MachineParts.kernel(),
        "PATH": "/usr/bin:/bin",
      ],
      timeout: .seconds(400))
    #expect(found.status == 0, "\(found.errors)")
    #expect((found.output == expected.output) as Bool)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
  }

  // MARK: Failures

  /// An image of one layer that a script in Python makes, which has the archive as `t`.
  private func image(python: String) async throws -> String {
    let layers = place.directory.appending("layers")
    try FileManager.default.createDirectory(atPath: layers, withIntermediateDirectories: false)
    let script = """
      import io, sys, tarfile
      t = tarfile.open(sys.argv[1] + '/layer.tar', 'w', format=tarfile.PAX_FORMAT)
      i = tarfile.TarInfo('file')
      \(python)
      t.close()
      """
    try await Program.check("python3", ["-c", script, layers])
    return try await image(of: layers)
  }

  @Test func `a disk that is too small is told, and there is no output`() async throws {
    defer { place.remove() }
    let layout = try await image(python: "i.size = 40 << 20; t.addfile(i, io.BytesIO(bytes(i.size)))")
    let output = place.directory.appending("root.tar")
    let result = try await exportByMachine(layout, ["--disk-size", "32", "-o", output])
    #expect(result.status == 1)
    #expect(
      result.errors
        == "cooper: layer 1 of 1: cannot write /file: No space left on device; the machine's disk of 32 MiB is full, raise --disk-size\n"
    )
    #expect(!place.directory.contains("root.tar"))
    let least = try await exportByMachine(layout, ["--disk-size", "15"])
    #expect(least.status != 0 && least.errors.contains("at least 16777216 bytes"), "\(least.errors)")
  }

  @Test(arguments: [
    (
      "i.type = tarfile.SYMTYPE; i.linkname = 'x'; i.pax_headers = {'SCHILY.xattr.user.a': 'b'}; t.addfile(i)",
      "cannot set the attribute user.a of /file: Operation not permitted"
    ),
    (
      "i.uid = 4294967295; t.addfile(i)", #"the owner of "file", 4294967295, is more than Linux has room for"#
    ),
  ])
  func `what no kernel holds is told`(python: String, reason: String) async throws {
    defer { place.remove() }
    let layout = try await image(python: python)
    try await cooper(["export", layout])
    let result = try await exportByMachine(layout)
    #expect(result.status == 1)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("cooper: layer 1 of 1: "), "\(result.errors)")
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test(arguments: [-3_000_000_000, 16_000_000_000])
  func `a time that the machine's disk cannot hold is told where times are kept`(time: Int) async throws {
    defer { place.remove() }
    let layout = try await image(python: "i.name = 'a/file'; i.mtime = \(time); t.addfile(i)")
    let kept = try await exportByMachine(layout, ["--keep-times"])
    #expect(kept.status == 1)
    #expect(kept.output.isEmpty)
    #expect(
      kept.errors.contains(
        #"layer 1 of 1: the time of "a/file", \#(time) seconds after 1970, is none that ext4 can hold"#),
      "\(kept.errors)")
    try await expectSameBytes(layout)
  }

  @Test func `what is missing, and what does not go together, is told`() async throws {
    defer { place.remove() }
    for (name, value) in [
      ("COOPER_KERNEL", "/nonexistent"), ("COOPER_GUEST", "/nonexistent"), ("PATH", "/nonexistent"),
    ] {
      let result = try await exportByMachine(Self.testdata, ["--arch", "amd64"], environment: [name: value])
      let expected = name == "PATH" ? "there is no qemu-system-x86_64" : "/nonexistent"
      #expect(result.status == 1 && result.errors.contains(expected), "\(result.errors)")
    }
    for options in [["--executor", "tcg"], ["--disk-size", "64"], ["--vm", "--executor", "namespace"]] {
      let result = try await place.cooper(["export", Self.testdata] + options)
      #expect(result.status == 2 && result.errors.contains("--vm"), "\(result.errors)")
    }
  }
}
