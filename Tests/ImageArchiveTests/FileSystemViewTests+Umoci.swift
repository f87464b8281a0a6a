import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// The same layers, unpacked by umoci.
extension FileSystemViewTests {
  /// A layer of files, directories, links and whiteouts of few names, so that they often meet.
  private static func randomLayer(_ generator: inout SeededGenerator, isLowest: Bool) -> [Member] {
    let names = ["a", "b", "c"]
    var members: [Member] = []
    var taken: Set<String> = []
    var files: [String] = []
    /// What this layer made of the directories of a name: umoci, like tar, wants them in order.
    var directories: Set<String> = []
    for _ in 0..<generator.number(in: 3...12) {
      let parts = (0..<generator.number(in: 1...3)).map { _ in generator.pick(names) }
      let parents = (1..<parts.count).map { parts.prefix($0).joined(separator: "/") }
      let name = parts.joined(separator: "/")
      guard !taken.contains(name), !directories.contains(name), parents.allSatisfy({ !taken.contains($0) })
      else { continue }
      for parent in parents where directories.insert(parent).inserted { members.append(directory(parent)) }
      switch generator.number(in: 0...(isLowest ? 3 : 6)) {
      case 0: members.append(symlink(name, "nowhere"))
      case 1:
        members.append(directory(name))
        directories.insert(name)
        continue
      case 2 where !files.isEmpty: members.append(hardLink(name, generator.pick(files)))
      case 4, 5:
        let parent = parents.last.map { $0 + "/" } ?? ""
        members.append(.init("\(parent).wh.\(parts[parts.count - 1])"))
      case 6:
        guard let parent = parents.last, taken.insert("\(parent)/.wh..wh..opq").inserted else { continue }
        members.append(.init("\(parent)/.wh..wh..opq"))
        continue
      default:
        members.append(.init(name, text: generator.pick(["1", "2", "3"])))
        files.append(name)
      }
      taken.insert(name)
    }
    return members
  }

  private static func unpacked(_ layers: [[UInt8]]) async throws -> [String] {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var sample = SampleImage(layers: layers)
    sample.encoding = .uncompressed
    let index = SampleImage.index([(sample.manifest, "x")])
    try SampleImage.writeLayout([sample], to: "layout", in: directory, index: index)
    _ = try await Program.check(
      "umoci",
      ["raw", "unpack", "--image", "\(directory.appending("layout")):x", directory.appending("root")])
    let script = """
      import os, sys
      os.chdir(sys.argv[1])
      def walk(d):
        for name in sorted(os.listdir(d or ".")):
          p = os.path.join(d, name)
          if os.path.islink(p): print(p + " -> " + os.readlink(p))
          elif os.path.isdir(p): print(p + "/"); walk(p)
          else: print(p + "=" + open(p).read())
      walk("")
      """
    let listing = try await Program.check(
      "/usr/bin/python3", ["-c", script, directory.appending("root")])
    return listing.text.split(separator: "\n").map(String.init)
  }

  @Test func `random layers give what umoci unpacks`() async throws {
    try Program.require("umoci", package: "umoci")
    for seed in UInt64(1)...15 {
      var generator = SeededGenerator(seed: seed)
      let layers = (0..<generator.number(in: 2...4)).map {
        Self.randomLayer(&generator, isLowest: $0 == 0)
      }
      let expected = try await Self.unpacked(layers.map(TarBytes.archive))
      let found = Self.listing(try Self.view(layers))
      let text = layers.map { $0.map { "\($0.type) \(String(decoding: $0.name, as: UTF8.self))" } }
      #expect(found.sorted() == expected.sorted(), "seed \(seed): \(text)")
    }
  }
}
