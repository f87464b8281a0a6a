import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import VirtualMachine

/// An image that was written, and what others find in it.
struct EROFSImage {
  let directory: TemporaryDirectory
  let path: String
  let byteCount: Int64

  /// Writes an image of these entries.
  init(_ members: some Sequence<TarInput>) throws {
    try self.init { writer in for member in members { try writer.add(member) } }
  }

  /// Writes an image of what `fill` adds.
  init(_ fill: (EROFSWriter) throws -> Void) throws {
    directory = try TemporaryDirectory()
    path = directory.appending("image.erofs")
    let file = try NewFile(at: FilePath(path))
    let writer = EROFSWriter(file.file)
    try fill(writer)
    byteCount = try writer.finish()
    try file.commit()
  }

  /// Whether this kernel, and not only the one in the virtual machine, can mount it: that takes root.
  static var canBeMounted: Bool {
    let systems = (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? ""
    let isKnown = systems.split(separator: "\n").contains { $0.hasSuffix("\terofs") }
    return isKnown && getuid() == 0 && access("/dev/loop-control", W_OK) == 0
  }

  /// Has the format's own checker go through it.
  func check() async throws {
    try Program.require("fsck.erofs", package: "erofs-utils")
    try await Program.check("fsck.erofs", ["--extract", path])
  }

  /// What is in it by `testdata/list-tree.py`, from the kernel where that is possible, and then with attributes.
  func listing() async throws -> (lines: [String], hasAttributes: Bool) {
    try await check()
    if Self.canBeMounted { return (try await mounted { try await Self.list($0) }, true) }
    let target = directory.appending("extracted")
    try await Program.check("fsck.erofs", ["--extract=\(target)", path])
    return (try await Self.list(target, attributes: false), false)
  }

  /// Calls `body` with the directory where the image is mounted.
  @discardableResult
  func mounted<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let place = directory.appending("mounted")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try await Program.check("mount", ["-t", "erofs", "-o", "loop,ro", path, place])
    let result: Result<Value, any Error>
    do { result = .success(try await body(place)) } catch { result = .failure(error) }
    try await Program.check("umount", [place])
    return try result.get()
  }

  /// The lines of `testdata/list-tree.py`.
  static func list(_ root: String, attributes: Bool = true) async throws -> [String] {
    let script = "\(#filePath)".components(separatedBy: "/Tests/")[0] + "/testdata/list-tree.py"
    let result = try await Program.check(
      "python3", [script] + (attributes ? [] : ["--no-attributes"]) + [root], timeout: .seconds(600))
    return String(decoding: result.output, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
