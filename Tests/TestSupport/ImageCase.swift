import Hashing

/// An image that has something special, and what becomes of it when it is pulled into a docker-archive.
public struct ImageCase: Sendable, CustomStringConvertible {
  /// What is expected of Debian's skopeo 1.9.3 and of Cooper.
  public enum Expectation: Sendable {
    /// Both write the same bytes.
    case identical
    /// Neither writes anything.
    case bothRefuse
    /// skopeo 1.9.3 refuses, and Cooper writes what skopeo writes for `twin`, as later releases of skopeo do.
    case laterSkopeo(twin: @Sendable (Place) async throws -> StoredImage)
    /// skopeo refuses, and Cooper may.
    case skopeoRefuses
    /// skopeo writes it; Cooper may refuse, or writes the same bytes.
    case cooperMayRefuse
  }

  /// Where the image will be, for those that mention it.
  public struct Place: Sendable {
    /// The registry's `http://127.0.0.1:PORT`.
    public let registryURL: String
    /// The repository.
    public let repository: String

    /// A place in a registry.
    public init(_ registry: RegistryServer, repository: String) {
      registryURL = registry.url
      self.repository = repository
    }
  }

  /// A short name, unique among the cases.
  public let name: String
  /// Why the case is there: the fact that it shows.
  public let reason: String
  /// What is expected.
  public let expectation: Expectation
  /// `os/architecture` or `os/architecture/variant` to ask for.
  public let platform: String
  /// Makes the image.
  public let make: @Sendable (Place) async throws -> StoredImage

  init(
    _ name: String, _ reason: String, _ expectation: Expectation = .identical,
    platform: String = "linux/amd64", _ make: @escaping @Sendable (Place) async throws -> StoredImage
  ) {
    self.name = name
    self.reason = reason
    self.expectation = expectation
    self.platform = platform
    self.make = make
  }

  /// Whether skopeo 1.9.3 refuses the image.
  public var skopeoRefuses: Bool {
    switch expectation {
    case .identical, .cooperMayRefuse: false
    case .bothRefuse, .laterSkopeo, .skopeoRefuses: true
    }
  }

  /// The name.
  public var description: String { name }
}

/// All the images with something special.
public enum ImageCases {
  /// Every case; facts are from docker-archive-bytes.md.
  public static let all = layers + layerTypes + configs + manifests + indexes

  static let first = LayerBytes.tar("etc/first", "one\n")
  static let second = LayerBytes.tar([("etc/second", Array("two\n".utf8)), ("empty", [])])
}
