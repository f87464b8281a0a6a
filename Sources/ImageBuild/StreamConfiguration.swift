public import ArchiveIO
public import OrderedJSON

/// What nixpkgs' stream script reads: conf.json (nix-dockertools.md, section 2.3).
public struct StreamConfiguration: Sendable, Hashable {
  /// Goes into the image as it is.
  public var architecture: String
  /// The runtime configuration, in the order of the file.
  public var config: JSONValue
  /// `/nix/store`.
  public var storeDirectory: String
  /// The archive of the base image.
  public var baseImage: String?
  /// The store paths of each layer.
  public var storeLayers: [[String]]
  /// The directory that holds `layer.tar` and `checksum`.
  public var customisationLayer: String
  /// `name:tag`.
  public var repoTag: String
  /// When the image was made.
  public var created: DateText
  /// When its files were changed.
  public var modified: DateText
  /// Whose the store paths are.
  public var owner: TarOwner

  /// Reads the file; `now` is what that word means in it.
  ///
  /// - Throws: `JSONError`, `LayeredImageError`.
  public init(parsing bytes: [UInt8], now: DateText) throws {
    let document = try JSONValue(parsing: bytes)
    guard document.object != nil else {
      throw LayeredImageError.configuration(member: "", expected: "an object", found: document.kindName)
    }
    let reader = Reader(document: document)
    architecture = try reader.text("architecture")
    config = document["config"] ?? .null
    guard config.object != nil || config.isNull else {
      throw reader.unsuitable("config", expected: "an object")
    }
    storeDirectory = try reader.text("store_dir")
    baseImage = document["from_image"]?.isNull == false ? try reader.text("from_image") : nil
    storeLayers = try reader.layers("store_layers")
    customisationLayer = try reader.text("customisation_layer")
    repoTag = try reader.text("repo_tag")
    created = try reader.date("created", now: now)
    // Files of releases before 24.11 lack what follows.
    modified = try document["mtime"] == nil ? DateText(seconds: 1) : reader.date("mtime", now: now)
    owner = TarOwner(
      uid: try reader.number("uid") ?? 0, gid: try reader.number("gid") ?? 0,
      userName: document["uname"] == nil ? "root" : try reader.text("uname"),
      groupName: document["gname"] == nil ? "root" : try reader.text("gname"))
  }

  private struct Reader {
    let document: JSONValue

    func unsuitable(_ name: String, expected: String) -> LayeredImageError {
      .configuration(member: name, expected: expected, found: document[name]?.kindName ?? "absent")
    }

    func text(_ name: String) throws -> String {
      guard let text = document[name]?.string else { throw unsuitable(name, expected: "a string") }
      return text
    }

    /// A number, or the digits of one as nixpkgs writes them.
    func number(_ name: String) throws -> Int64? {
      guard let value = document[name] else { return nil }
      guard let number = value.int ?? value.string.flatMap({ Int64($0) }) else {
        throw unsuitable(name, expected: "a number")
      }
      return number
    }

    func layers(_ name: String) throws -> [[String]] {
      guard let layers = document[name]?.array else { throw unsuitable(name, expected: "a list of lists") }
      return try layers.map { layer in
        guard let paths = layer.array else { throw unsuitable(name, expected: "a list of lists of strings") }
        return try paths.map { path in
          guard let path = path.string else { throw unsuitable(name, expected: "a list of lists of strings") }
          return path
        }
      }
    }

    func date(_ name: String, now: DateText) throws -> DateText {
      let text = try text(name)
      if text == "now" { return now }
      guard let date = DateText(parsing: text) else {
        throw LayeredImageError.date(member: name, text: text)
      }
      return date
    }
  }
}
