import ArchiveIO
import Glibc
import ImageBuild
import NixStore
import OrderedJSON
import SystemPackage

/// One derivation as its builder sees it (nix-integration.md, section 6).
struct NixStep {
  /// The attributes, with their types.
  let attributes: JSONObject
  /// Where the result goes.
  let output: FilePath
  /// A directory that is gone afterwards.
  let scratch: FilePath
  private let environment: ProcessEnvironment

  /// A reference graph of tens of thousands of paths has tens of megabytes.
  private static let byteLimit = 256 << 20

  /// Reads the structured attributes that Nix has left.
  init(_ environment: ProcessEnvironment) throws {
    guard let top = environment["NIX_BUILD_TOP"] else {
      throw UsageError("nix-build-step is for derivations of tools/nix, and NIX_BUILD_TOP is not set")
    }
    // Nix 2.8 tells its own view of the path, which a sandbox does not have.
    let named = environment["NIX_ATTRS_JSON_FILE"].flatMap { access($0, R_OK) == 0 ? $0 : nil }
    let file = try FileRange(whole: DirectFile(reading: FilePath(named ?? "\(top)/.attrs.json")))
    let document = try JSONValue(parsing: file.readAll(limit: Self.byteLimit))
    guard let attributes = document.object, let output = document["outputs"]?["out"]?.string else {
      throw UsageError("\(file.file.path) is not what Nix writes: it names no output")
    }
    self.attributes = attributes
    self.output = FilePath(output)
    self.environment = environment
    scratch = environment.temporaryDirectory
  }

  /// Gives this process what other programs and the rest of this one look for, and nothing of the machine's.
  ///
  /// `HOME` is a directory that is not there, and must not be made.
  func prepareEnvironment() {
    setenv("XDG_CACHE_HOME", scratch.appending("cache").string, 1)
    if let store = environment["NIX_STORE"] { setenv("NIX_STORE_DIR", store, 1) }
    let path = texts("path")
    if !path.isEmpty { setenv("PATH", path.joined(separator: ":"), 1) }
  }

  // MARK: Attributes

  /// A string that must be there.
  func text(_ name: String) throws -> String {
    guard let text = attributes[name]?.string else {
      throw UsageError("the derivation has no string “\(name)”; it is not of tools/nix in this version")
    }
    return text
  }

  /// A string that may be absent or null.
  func optionalText(_ name: String) -> String? { attributes[name]?.string }

  /// A whole number that must be there.
  func number(_ name: String) throws -> Int64 {
    guard let number = attributes[name]?.int else {
      throw UsageError("the derivation has no number “\(name)”; it is not of tools/nix in this version")
    }
    return number
  }

  /// A list of strings; empty when it is absent.
  func texts(_ name: String) -> [String] { (attributes[name]?.array ?? []).compactMap(\.string) }

  func flag(_ name: String) -> Bool { attributes[name]?.bool ?? false }

  /// The spec among the attributes as the commands' own, with the reference graph where there is one.
  ///
  /// Relative paths do not occur.
  func spec<Spec>(
    _ make: ([UInt8], FilePath, DateText, String) throws -> Spec, with more: JSONObject = [:]
  ) throws -> Spec {
    guard var spec = attributes["spec"]?.object else {
      throw UsageError("the derivation has no “spec”; it is not of tools/nix in this version")
    }
    for member in more.members { spec[member.name] = member.value }
    if let graph = attributes["graph"] {
      let file = scratch.appending("graph.json")
      try FileOutput.write(graph.serialized(), to: file)
      spec["closure"] = .string(file.string)
    }
    let bytes = JSONValue.object(spec).serialized()
    return try make(bytes, scratch, BuildClock.now(), PlatformOptions.hostArchitecture)
  }

  /// The exported graph.
  func closure() throws -> Closure {
    try Closure(parsing: (attributes["graph"] ?? .array([])).serialized())
  }

  /// The hash in the output's path, which is the tag of an image that has no other.
  var outputHash: String { String((output.lastComponent?.string ?? "").prefix { $0 != "-" }) }

  /// A spec's tag where it has none.
  var defaultTag: JSONObject {
    attributes["spec"]?["tag"]?.string == nil ? ["tag": .string(outputHash)] : [:]
  }
}

/// Files that builders write: nobody sees them before the builder ends, so they are written where they belong.
enum FileOutput {
  /// Creates a file.
  static func write(_ bytes: [UInt8], to path: FilePath, mode: UInt32 = 0o644) throws {
    guard let name = path.lastComponent else { throw FileError("create", path.string, .invalidArgument) }
    try OpenDirectory(path.removingLastComponent()).createFile(Array(name.string.utf8), bytes, mode: mode)
  }

  /// Makes a directory and those above it.
  static func makeDirectories(_ path: FilePath) throws {
    var way = FilePath(root: path.root, [])
    for component in path.components {
      way.append(component)
      guard mkdir(way.string, 0o755) == 0 || errno == EEXIST || access(way.string, F_OK) == 0 else {
        throw FileError("create the directory", way.string, Errno(rawValue: errno))
      }
    }
  }
}
