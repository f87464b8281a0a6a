import OrderedJSON
import TestSupport
import Testing

/// What is in an image, as `testdata/image-facts.py` reads it with CPython's tarfile, digests checked.
struct ImageFacts {
  /// A member of a layer.
  struct Member: Hashable {
    /// As it is in the tar, without a slash at the end.
    let name: String
    /// `file`, `directory`, `link` or another word of the program.
    let kind: String
    let mode: String
    let owner: String
    let ownerName: String
    let modified: Int64
    let byteCount: Int64
    /// What a link points to.
    let target: String
    /// Nil for all but files.
    let sha256: String?

    /// The place in the image.
    var path: String {
      var rest = name[...]
      while rest.hasPrefix("./") || rest.hasPrefix("/") { rest = rest.drop { $0 == "." }.dropFirst() }
      return rest == "." ? "/" : "/" + rest
    }
  }

  let value: JSONValue
  /// From the base upwards.
  let layers: [[Member]]

  /// Reads an archive or a layout.
  init(of location: String) async throws {
    try Program.require("python3", package: "python3")
    let output = try await Program.check("python3", [testdata("image-facts.py"), location]).output
    value = try JSONValue(parsing: output)
    layers = try #require(value["layers"]?.array).map { layer in
      try #require(layer["members"]?.array).map { try Member($0) }
    }
  }

  subscript(_ name: String) -> JSONValue? { value[name] }

  /// The settings of the image, `Cmd` and the like.
  var settings: JSONValue? { value["config"]?["config"] }

  var diffIDs: [String] { value["layers"]?.array?.compactMap { $0["diffID"]?.string } ?? [] }

  /// The layer of what is not in the store.
  var top: [Member] { layers.last ?? [] }

  /// The store paths of each layer, in the order of its members.
  var storePaths: [[String]] {
    layers.map { layer in
      layer.map(\.path).filter { $0.hasPrefix("/nix/store/") && $0.split(separator: "/").count == 3 }
    }
  }

  /// The last member of a path.
  func member(_ path: String) -> Member? {
    layers.joined().last { $0.path == path }
  }
}

extension ImageFacts.Member {
  fileprivate init(_ value: JSONValue) throws {
    func text(_ name: String) throws -> String { try #require(value[name]?.string) }
    func number(_ name: String) throws -> Int64 { try #require(value[name]?.int) }
    name = try text("name")
    kind = try text("kind")
    mode = try text("mode")
    owner = "\(try number("uid")):\(try number("gid"))"
    ownerName = "\(try text("uname")):\(try text("gname"))"
    modified = try number("mtime")
    byteCount = try number("size")
    target = try text("target")
    sha256 = value["sha256"]?.string
  }
}
