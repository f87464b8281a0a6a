import Foundation
import Hashing
import TestSupport
import Testing

@testable import NixStore

/// Tells the writer what Nix was given.
private func write(_ node: NixVectors.Node, to writer: inout NARWriter, pieceSize: Int) throws {
  switch node.type {
  case "symlink": writer.symlink(target: Array(try #require(node.target).utf8))
  case "regular":
    let contents = Array(node.contents ?? Data())
    writer.beginFile(isExecutable: node.executable == true, byteCount: Int64(contents.count))
    for start in stride(from: 0, to: contents.count, by: pieceSize) {
      let piece = Array(contents[start..<min(start + pieceSize, contents.count)])
      writer.append(piece.span.bytes)
    }
    try writer.endFile()
  default:
    writer.beginDirectory()
    let entries = (node.entries ?? [:]).sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (name, child) in entries {
      writer.beginEntry(name: Array(name.utf8))
      try write(child, to: &writer, pieceSize: pieceSize)
      writer.endEntry()
    }
    writer.endDirectory()
  }
}

@Suite struct NARWriterTests {
  @Test(arguments: [1, 3, 8, 1 << 20])
  func `trees have the hash and size that Nix gives them`(pieceSize: Int) throws {
    let trees = try NixVectors.load().trees
    #expect(trees.count == 10)
    for tree in trees {
      var writer = NARWriter()
      try write(tree.tree, to: &writer, pieceSize: pieceSize)
      let byteCount = writer.byteCount
      #expect(byteCount == tree.narSize, "\(tree.name)")
      let digest = writer.finalize()
      #expect(digest.hex == tree.narSHA256.hex, "\(tree.name)")
    }
  }

  @Test func `single files have the hash and size that Nix gives them`() throws {
    let vectors = try NixVectors.load()
    let files =
      vectors.files.map { (Array($0.contents), $0.narSHA256, $0.narSize) }
      + vectors.closure.paths.map { (Array($0.text.utf8), $0.narSHA256, $0.narSize) }
    for (contents, hash, size) in files {
      var writer = NARWriter()
      writer.beginFile(isExecutable: false, byteCount: Int64(contents.count))
      writer.append(contents.span.bytes)
      try writer.endFile()
      let byteCount = writer.byteCount
      #expect(byteCount == size)
      let digest = writer.finalize()
      #expect(digest.hex == hash.hex)
    }
  }

  @Test(arguments: [(4, 3), (4, 5), (0, 1), (1, 0)])
  func `a file of another length than announced is refused`(announced: Int, given: Int) {
    #expect(throws: NARError.fileChanged(expected: Int64(announced), found: Int64(given))) {
      var writer = NARWriter()
      writer.beginFile(isExecutable: false, byteCount: Int64(announced))
      let piece = [UInt8](repeating: 1, count: given)
      writer.append(piece.span.bytes)
      try writer.endFile()
    }
  }

  @Test(arguments: [("b", "a"), ("a", "a")])
  func `names out of order are a fault of the caller`(first: String, second: String) async {
    // The closure of an exit test takes nothing from around it but values that are listed.
    await #expect(processExitsWith: .failure) { [first, second] in
      var writer = NARWriter()
      writer.beginDirectory()
      writer.beginEntry(name: Array(first.utf8))
      writer.symlink(target: [0x78])
      writer.endEntry()
      writer.beginEntry(name: Array(second.utf8))
    }
  }
}
