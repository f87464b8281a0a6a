import ArgumentParser
import Glibc
import OCIModel

/// `--os`, `--arch` and `--variant`.
struct PlatformOptions: ParsableArguments {
  @Option(help: "The operating system to choose from an index. Default: linux.")
  var os: String?

  @Option(help: "The architecture to choose from an index, in Go's spelling. Default: this machine's.")
  var arch: String?

  @Option(help: "The variant to choose from an index, as v8; lower ones are taken too.")
  var variant: String?

  /// Whether any of them was given.
  var areGiven: Bool { os != nil || arch != nil || variant != nil }

  /// The request, with the defaults filled in.
  func request(defaultArchitecture: String = Self.hostArchitecture) -> PlatformRequest {
    PlatformRequest(os: os ?? "linux", architecture: arch ?? defaultArchitecture, variant: variant)
  }

  /// This machine's architecture as Go and the OCI specifications spell it.
  static var hostArchitecture: String {
    var system = utsname()
    uname(&system)
    let machine = withUnsafeBytes(of: system.machine) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Platform.architecture(ofMachine: machine)
  }
}
