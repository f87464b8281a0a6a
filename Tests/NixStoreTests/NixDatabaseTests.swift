import Foundation
import Hashing
import SystemPackage
import TestSupport
import Testing

@testable import NixStore

@Suite struct NixDatabaseTests {
  private func closure() throws -> Closure {
    try Closure(parsing: NixVectors.load().closure.registration.utf8)
  }

  /// Writes the members below a directory, as unpacking an image does.
  private func unpack(_ database: NixDatabase, into directory: TemporaryDirectory) throws {
    for member in database.members {
      switch member.content {
      case .file(let bytes): try directory.write(bytes, to: member.path)
      case .symlink(let target):
        let link = URL(filePath: directory.appending(member.path))
        try FileManager.default.createDirectory(
          at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: target)
      }
    }
  }

  private func nix(_ arguments: [String], in directory: TemporaryDirectory) async throws -> Program.Result {
    try await Program.check(
      "nix-store", arguments,
      environment: ["NIX_REMOTE": "local?root=\(directory.path)", "NIX_CONFIG": "build-users-group ="])
  }

  @Test func `Nix finds a tree with the database sound, and nothing for its collector`() async throws {
    let store = try await NixTestStore()
    let roots = [try await store.addTexts(), try await store.addTree()]
    let closure = try await store.program.closure(of: roots)
    let image = try TemporaryDirectory()
    try await Program.check(
      "/bin/sh",
      ["-c", "mkdir \"$2/nix\" && cp -a \"$1/nix/store\" \"$2/nix/\"", "sh", store.root, image.path])
    try await Program.check("rm", ["-rf", image.appending("nix/store/.links")])
    try unpack(NixDatabase(closure, roots: roots), into: image)

    let dead = try await nix(["--gc", "--print-dead"], in: image)
    #expect(dead.text.isEmpty, "\(dead.text)")
    let requisites = try await nix(["--query", "--requisites", roots[0].description], in: image)
    #expect(
      try Set(requisites.text.split(separator: "\n").map(String.init))
        == Set(closure.paths(reachableFrom: [roots[0]]).map(\.description)))
    let verification = try await nix(["--verify", "--check-contents"], in: image)
    #expect(!verification.errors.contains("error:"), "\(verification.errors)")
    // `--verify` drops what it does not find, so this tells that it found everything; with hashes and sizes.
    #expect(try await Closure(parsing: nix(["--dump-db"], in: image).output) == closure)
    // The tables take what Nix writes.
    let added = try await nix(["--add", try image.write("new", to: "new")], in: image)
    #expect(try await nix(["--gc", "--print-dead"], in: image).text == added.text)
    _ = try await nix(["--delete", added.text], in: image)

    try await Program.check("chmod", ["-R", "u+w", image.path])
    image.remove()
    try await store.remove()
  }

  @Test func `without the links everything is for the collector`() async throws {
    let store = try await NixTestStore()
    let root = try await store.addTexts()
    let closure = try await store.program.closure(of: [root])
    let image = try TemporaryDirectory()
    try await Program.check(
      "/bin/sh",
      ["-c", "mkdir \"$2/nix\" && cp -a \"$1/nix/store\" \"$2/nix/\"", "sh", store.root, image.path])
    try unpack(NixDatabase(closure, roots: []), into: image)
    let dead = try await nix(["--gc", "--print-dead"], in: image)
    #expect(
      Set(dead.text.split(separator: "\n").map(String.init)).isSuperset(
        of: closure.nodes.map(\.path.description)))
    try await store.remove()
  }

  @Test func `SQLite finds no fault, whatever the size`() async throws {
    var generator = SeededGenerator(seed: 3)
    try Program.require("sqlite3", package: "sqlite3")
    for pathCount in [0, 1, 40, 1500] {
      let random = try SmallStore.randomClosure(&generator, pathCount: pathCount, density: 1)
      let hash = try NixHash(parsing: "sha256-RCJ37DJg+G+SI5m0zPshU3sGVDGrhCq/TeBVi/rLRVY=")
      let closure = try Closure(
        random.nodes.map { node in
          var node = node
          node.narHash = hash
          return node
        })
      let directory = try TemporaryDirectory()
      let bytes = try NixDatabase.databaseBytes(of: closure)
      #expect(try NixDatabase.databaseBytes(of: closure) == bytes)
      let file = try directory.write(bytes, to: "db.sqlite")
      let query =
        "pragma integrity_check; pragma foreign_key_check; select count(*) from ValidPaths; select count(*) from Refs"
      let result = try await Program.check("sqlite3", [file, query])
      let references = closure.nodes.reduce(0) { $0 + $1.references.count }
      #expect(result.text == "ok\n\(pathCount)\n\(references)")
      directory.remove()
    }
  }

  @Test func `the bytes do not depend on the order or the shape of the graph`() throws {
    let vectors = try NixVectors.load().closure
    let first = try NixDatabase.databaseBytes(of: closure())
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5 {
      let nodes = try closure().nodes.map { node in
        ClosureNode(
          path: node.path, narHash: node.narHash, narSize: node.narSize,
          deriver: try StorePath(parsing: vectors.root), references: node.references.reversed())
      }
      #expect(try NixDatabase.databaseBytes(of: Closure(nodes.shuffled(using: &generator))) == first)
    }
  }

  @Test func `the bytes stay those of earlier versions`() throws {
    let digest = try Digest(of: NixDatabase.databaseBytes(of: closure()))
    #expect(digest.hex == "9903b9b34255893456e61bd4fe8300dbf116931ffc568df27ab124c4455e2e9b")
  }

  @Test func `links keep the roots from the collector`() throws {
    let closure = try closure()
    let root = closure.roots[0]
    let members = try NixDatabase(closure, roots: [root, root]).members
    #expect(
      members.map(\.path) == [
        "nix/var/nix/db/db.sqlite", "nix/var/nix/db/schema", "nix/var/nix/gcroots/docker/\(root.baseName)",
      ])
    #expect(members[1].content == .file([UInt8(ascii: "1"), UInt8(ascii: "0")]))
    #expect(members[2].content == .symlink(target: root.description))
    let unknown = try SmallStore.path("a-unknown")
    #expect(throws: ClosureError.missing(unknown)) { try NixDatabase(closure, roots: [unknown]) }
  }

  @Test func `a closure without hashes is refused`() throws {
    let path = try SmallStore.path("a-x")
    #expect(throws: ClosureError.unmeasured(path)) {
      try NixDatabase.databaseBytes(of: Closure([ClosureNode(path: path, references: [])]))
    }
  }
}
