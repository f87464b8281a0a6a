import Foundation
import Hashing
import TestSupport
import Testing

/// Hostile archives through the built tool: it ends with a status of its own, and leaves nothing after a failure.
@Suite struct HostileArchiveTests {
  private static let first =
    ProcessInfo.processInfo.environment["COOPER_TEST_SEED"].flatMap { UInt64($0) } ?? 1

  /// Copies `input`, and checks what is left.
  private static func copy(_ input: String, _ place: Workplace, _ comment: String) async throws -> Int32 {
    let before = try place.directory.names()
    let outputs = [
      "docker-archive:\(place.directory.appending("out.tar")):x:1", "oci:\(place.directory.appending("out"))",
    ]
    var last: Int32 = 0
    for output in outputs {
      let result = try await place.cooper(["copy", input, output])
      last = result.status
      #expect([0, 1, 3, 4].contains(result.status), "\(comment): \(result.status) \(result.errors)")
      if result.status != 0 {
        #expect(try place.directory.names() == before, "\(comment)")
        #expect(result.errors.hasPrefix("cooper: "), "\(comment): \(result.errors)")
      }
      for name in ["out.tar", "out"] {
        try? FileManager.default.removeItem(atPath: place.directory.appending(name))
      }
    }
    return last
  }

  @Test(arguments: HostileTar.Form.allCases)
  func `a damaged archive gives a status and no output`(form: HostileTar.Form) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let outside = try place.home.write("untouched", to: "outside")
    for seed in Self.first..<Self.first + 20 {
      let hostile = HostileTar(form, seed: seed)
      let file = try place.directory.write(hostile.bytes, to: "x.tar")
      let comment = "\(form) seed \(seed), \(hostile.story)"
      let verified = try await place.cooper(["verify", file])
      #expect([0, 1, 3, 4].contains(verified.status), "\(comment): \(verified.status) \(verified.errors)")
      let copied = try await Self.copy(file, place, comment)
      // What does not pass the check is not copied.
      if copied == 0 { #expect(verified.status == 0, "\(comment)") }
    }
    #expect(try String(contentsOfFile: outside, encoding: .utf8) == "untouched")
  }

  @Test(arguments: [
    "link out", "link loop", "pipe", "directory", "absolute link", "cyclic index", "long index",
  ])
  func `a layout that leads astray is refused`(kind: String) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    let tar = try place.home.write(HostileTar.sound(.ociArchive), to: "sound.tar")
    try FileManager.default.createDirectory(atPath: layout, withIntermediateDirectories: true)
    try await Program.check("tar", ["-xf", tar, "-C", layout])
    let blobs = try FileManager.default.contentsOfDirectory(atPath: "\(layout)/blobs/sha256").sorted()
    let layer = try #require(blobs.first { $0 == Digest(of: LayerBytes.tar("etc/b", "b")).hex })
    let path = "\(layout)/blobs/sha256/\(layer)"
    let outside = place.home.appending("outside")
    try FileManager.default.copyItem(atPath: path, toPath: outside)
    switch kind {
    case "link out", "absolute link", "link loop", "pipe", "directory":
      try FileManager.default.removeItem(atPath: path)
      let script =
        switch kind {
        case "link out": "ln -s \"$(realpath --relative-to=\"$(dirname \"$1\")\" \"$2\")\" \"$1\""
        case "absolute link": "ln -s \"$2\" \"$1\""
        case "link loop": "ln -s \"$(basename \"$1\")\" \"$1\""
        case "pipe": "mkfifo \"$1\""
        default: "mkdir \"$1\""
        }
      try await Program.check("/bin/sh", ["-c", script, "sh", path, outside])
    case "cyclic index":
      // An index cannot hold its own digest, but one may claim it.
      let digest = "sha256:" + String(repeating: "0", count: 64)
      let entry = #"{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"\#(digest)","size":-1}"#
      let index = #"{"schemaVersion":2,"manifests":[\#(entry)]}"#
      try place.directory.write(index, to: "layout/index.json")
      try place.directory.write(index, to: "layout/blobs/sha256/\(digest.dropFirst(7))")
    default:
      let entry = #"{"mediaType":"a/b","digest":"sha256:\#(layer)","size":1}"#
      let entries = Array(repeating: entry, count: 40_000).joined(separator: ",")
      try place.directory.write(#"{"schemaVersion":2,"manifests":[\#(entries)]}"#, to: "layout/index.json")
    }
    #expect(try await Self.copy("oci:\(layout)", place, kind) != 0)
    #expect(try await place.cooper(["verify", "oci:\(layout)"]).status != 0)
  }

  /// Runs a command and prints the peak of its resident memory in KiB.
  private static let measure = """
    import resource, subprocess, sys
    status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    sys.exit(status)
    """

  @Test func `a layer that swells to a gigabyte needs no memory, and a wrong one leaves nothing`()
    async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let make = """
      import gzip, hashlib, json, os, sys
      root = sys.argv[1]
      os.makedirs(root + "/blobs/sha256")
      def put(data):
          name = hashlib.sha256(data).hexdigest()
          open(root + "/blobs/sha256/" + name, "wb").write(data)
          return {"digest": "sha256:" + name, "size": len(data)}
      piece = gzip.compress(bytes(1 << 24), 9, mtime=0)
      layer = put(piece * 64) | {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}
      wrong = {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}
      config = put(json.dumps({"os": "linux", "architecture": "amd64", "rootfs": wrong}).encode())
      config["mediaType"] = "application/vnd.oci.image.config.v1+json"
      manifest = put(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode())
      manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
      open(root + "/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
      open(root + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
      """
    let layout = place.directory.appending("layout")
    try await Program.check("python3", ["-c", make, layout])
    let result = try await Program.run(
      "python3", ["-c", Self.measure, Program.builtTool, "verify", "oci:\(layout)"],
      environment: ["HOME": place.home.path])
    #expect(result.status == 3, "\(result.errors)")
    let peak = try #require(Int(result.text.split(separator: "\n").last ?? ""))
    #expect(peak < 64 << 10, "\(peak) KiB")
  }
}
