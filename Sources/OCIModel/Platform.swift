/// What a machine must be to run an image.
///
/// Names are Go's: `linux`, `amd64` (image-spec, "Image Index", member `platform`).
public struct Platform: Hashable, Sendable {
  /// The operating system; empty when the document does not say.
  public var os: String
  /// The processor; empty when the document does not say.
  public var architecture: String
  /// The revision of the processor, such as `v7` of `arm`.
  public var variant: String?
  /// The version of the operating system, used by Windows.
  public var osVersion: String?
  /// Features of the operating system that are needed, such as `win32k`.
  public var osFeatures: [String] = []
  /// Features of the processor; only in Docker's manifest lists.
  public var features: [String] = []

  /// A platform; an empty variant is none.
  public init(os: String, architecture: String, variant: String? = nil, osVersion: String? = nil) {
    self.os = os
    self.architecture = architecture
    self.variant = variant?.isEmpty == true ? nil : variant
    self.osVersion = osVersion?.isEmpty == true ? nil : osVersion
  }

  /// Whether this is how builders mark attestations: `unknown/unknown`.
  public var isUnknown: Bool { os == "unknown" && architecture == "unknown" }
}

extension Platform: CustomStringConvertible {
  /// `linux/arm64/v8`.
  public var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }
}

extension Platform {
  /// Go's name of the processor that the kernel (`uname -m`) or Nix (before the hyphen of a system) calls so.
  public static func architecture(ofMachine machine: String) -> String {
    switch machine {
    case "x86_64": "amd64"
    case "aarch64": "arm64"
    case "i386", "i486", "i586", "i686": "386"
    case "armv5tel", "armv6l", "armv7a", "armv7l": "arm"
    case "powerpc64": "ppc64"
    case "powerpc64le": "ppc64le"
    case "mips64el": "mips64le"
    case "loongarch64": "loong64"
    default: machine
    }
  }
}
