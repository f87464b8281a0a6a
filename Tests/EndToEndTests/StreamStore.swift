import Foundation
import Hashing
import OrderedJSON
import TestSupport

/// Store paths and everything that a conf.json speaks of.
struct StreamStore {
  let place: Workplace
  let paths: [String]
  var generator: SeededGenerator
  private let directory: String

  init(seed: UInt64) async throws {
    place = try Workplace()
    generator = SeededGenerator(seed: seed)
    directory = place.directory.appending("store")
    paths = try RandomStore(at: directory, count: generator.number(in: 1...12), seed: seed).paths
    let tree = place.directory.appending("tree")
    try FileManager.default.createDirectory(atPath: tree + "/bin", withIntermediateDirectories: true)
    try Data("\(seed)".utf8).write(to: URL(fileURLWithPath: tree + "/bin/seed"))
    let layer = directory + "/customisation"
    try FileManager.default.createDirectory(atPath: layer, withIntermediateDirectories: true)
    try await Program.check(
      "tar",
      [
        "--sort=name", "--numeric-owner", "--mtime=@315532800", "-C", tree, "-cf", layer + "/layer.tar",
        ".",
      ])
    try Data(digest(of: layer + "/layer.tar").utf8).write(to: URL(fileURLWithPath: layer + "/checksum"))
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: layer + "/layer.tar")
  }

  func digest(of path: String) throws -> String {
    Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))).hex + "\n"
  }

  /// A conf.json with random layers and values; gives its path.
  mutating func configuration(base: String? = nil) throws -> String {
    var rest = paths
    var layers: [JSONValue] = []
    while !rest.isEmpty {
      let count = min(rest.count, generator.number(in: 1...4))
      layers.append(.array(rest.prefix(count).map { .string($0) }))
      rest.removeFirst(count)
    }
    let date = ["1970-01-01T00:00:01+00:00", "2024-02-29T12:00:00+05:30", "1969-12-31T23:00:00+00:00"]
    let large = ["0", "1000", "2097151", "2097152", "4294967294"]
    let environment: JSONValue = ["A=1", "FROM_CHILD=é", "A=2"]
    let document: JSONValue = [
      "architecture": .string(generator.pick(["amd64", "arm64"])),
      "config": generator.pick([
        [:], ["Cmd": ["/bin/é", "tab\t"], "Env": environment], ["User": "a/b\u{7f}"],
      ]),
      "os": "linux", "store_dir": .string(directory), "from_image": base.map { .string($0) } ?? .null,
      "store_layers": .array(layers), "customisation_layer": .string(directory + "/customisation"),
      "repo_tag": "name:tag", "created": .string(generator.pick(date)),
      "mtime": .string(generator.pick(date)),
      "uid": .string(generator.pick(large)), "gid": .string(generator.pick(large)),
      "uname": .string(generator.pick(["root", "näme", String(repeating: "u", count: 33)])),
      "gname": "root",
    ]
    let path = place.directory.appending("conf.json")
    try Data(document.serialized(.indented(by: 2))).write(to: URL(fileURLWithPath: path))
    return path
  }
}
