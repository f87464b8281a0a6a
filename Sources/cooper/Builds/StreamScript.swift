import ArchiveIO
import Glibc
import OrderedJSON
import SystemPackage

/// An executable file that streams an image: a first line that runs this program, and the spec below it.
enum StreamScript {
  /// Writes the script for the spec at `path`; its relative paths are made absolute, so that it runs anywhere.
  ///
  /// - Parameter kind: the command of `stream` that takes such a spec.
  static func write(_ spec: String, kind: String, to path: FilePath) throws {
    guard var document = try JSONValue(parsing: json(in: UserFile.contents(of: spec))).object else {
      throw UsageError("\(spec) is no JSON object")
    }
    let directory = try BuildFile.directory(of: spec)
    if case .string(let item)? = document["contents"] { document["contents"] = [.string(item)] }
    if let items = document["contents"]?.array {
      document["contents"] = .array(
        items.map { item in
          guard let text = item.string, !text.hasPrefix("helper:") else { return item }
          return .string(directory.pushing(FilePath(text)).string)
        })
    }
    for key in ["closure", "drv"] {
      guard let file = document[key]?.string else { continue }
      document[key] = .string(directory.pushing(FilePath(file)).string)
    }
    if let base = document["fromImage"]?.string {
      let file = directory.pushing(FilePath(base))
      if access(file.string, F_OK) == 0 { document["fromImage"] = .string(file.string) }
    }
    let text =
      Array("#!\(try interpreter(kind))\n".utf8) + JSONValue.object(document).serialized(.indented(by: 2))
    let file = try NewFile(at: path, permissions: FilePermissions(rawValue: 0o755))
    let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 1 << 16, limit: 2))
    try writer.append(text + [UInt8(ascii: "\n")])
    try writer.finish()
    try file.commit()
  }

  /// The spec in a file: all of it, or what is below the first line of a script.
  static func json(in bytes: [UInt8]) -> [UInt8] {
    guard bytes.starts(with: "#!".utf8) else { return bytes }
    return Array(bytes.drop { $0 != UInt8(ascii: "\n") })
  }

  /// This program, with the words that come before the script's path.
  ///
  /// The kernel passes everything after the program as one word, so `env -S` takes it apart.
  private static func interpreter(_ kind: String) throws -> String {
    let program = try OwnProgram.path()
    guard !program.contains(where: { $0 == " " || $0 == "\n" || $0 == "\"" }) else {
      throw UsageError("this program is at “\(program)”, and a script cannot name a path with blanks")
    }
    return "/usr/bin/env -S \(program) stream \(kind)"
  }
}
