// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The properties are the members of the file, which says itself what they are.

public import Foundation

/// What Nix itself says of hashes and store paths: `testdata/nix-hash-vectors.json`.
public struct NixVectors: Decodable, Sendable {
  public struct Hash: Decodable, Sendable {
    public let hex: String
    public let base32: String
    public let sri: String
  }

  public struct Encoding: Decodable, Sendable {
    public let type: String
    public let hex: String
    public let base32: String
    public let sri: String
  }

  public struct File: Decodable, Sendable {
    public let name: String
    public let contents: Data
    public let flat: [String: Hash]
    public let flatPath: [String: String]
    public let narSHA256: Hash
    public let narSize: Int64
    public let sourcePath: String

    enum CodingKeys: String, CodingKey {
      case name, contents, flat
      case flatPath = "flat-path"
      case narSHA256 = "nar-sha256"
      case narSize = "nar-size"
      case sourcePath = "source-path"
    }
  }

  public struct Node: Decodable, Sendable {
    public let type: String
    public let contents: Data?
    public let executable: Bool?
    public let target: String?
    public let entries: [String: Node]?
  }

  public struct Tree: Decodable, Sendable {
    public let name: String
    public let tree: Node
    public let nar: Data?
    public let narSHA256: Hash
    public let narSize: Int64
    public let sourcePath: String
    public let narSHA1FixedPath: String

    enum CodingKeys: String, CodingKey {
      case name, tree, nar
      case narSHA256 = "nar-sha256"
      case narSize = "nar-size"
      case sourcePath = "source-path"
      case narSHA1FixedPath = "nar-sha1-fixed-path"
    }
  }

  public struct Text: Decodable, Sendable {
    public let name: String
    public let path: String
    public let text: String
    public let references: [String]
    public let narSHA256: Hash
    public let narSize: Int64

    enum CodingKeys: String, CodingKey {
      case name, path, text, references
      case narSHA256 = "nar-sha256"
      case narSize = "nar-size"
    }
  }

  public struct Closure: Decodable, Sendable {
    public let root: String
    public let paths: [Text]
    public let registration: String
    public let buildGraph: String
    public let graph: [GraphEntry]

    public struct GraphEntry: Decodable, Sendable {
      public let path: String
      public let ca: String?
      public let narHash: String
    }

    enum CodingKeys: String, CodingKey {
      case root, paths, registration
      case buildGraph = "graph"
      case graph = "graph-structured"
    }
  }

  public struct Derivation: Decodable, Sendable {
    public let path: String
    public let text: String
    public let parsed: Parsed

    public struct Parsed: Decodable, Sendable {
      public let outputs: [String: Output]
      public let inputSrcs: [String]
      public let inputDrvs: [String: [String]]
    }

    public struct Output: Decodable, Sendable {
      public let path: String
      public let hashAlgo: String?
      public let hash: String?
    }
  }

  public struct Derivations: Decodable, Sendable {
    public let cases: [Derivation]
  }

  public struct ManualExample: Decodable, Sendable {
    public let name: String
    public let base32: String
    public let sri: String
    public let flatPath: String

    enum CodingKeys: String, CodingKey {
      case name, base32, sri
      case flatPath = "flat-path"
    }
  }

  public let encodings: [Encoding]
  public let files: [File]
  public let trees: [Tree]
  public let closure: Closure
  public let derivations: Derivations
  public let manualExample: ManualExample

  enum CodingKeys: String, CodingKey {
    case encodings, files, trees, derivations
    case closure = "text-closure"
    case manualExample = "manual-example"
  }

  /// Reads the file.
  public static func load() throws -> NixVectors {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = root.deletingLastPathComponent().appending(path: "testdata/nix-hash-vectors.json")
    return try JSONDecoder().decode(NixVectors.self, from: Data(contentsOf: file))
  }
}
