import ArgumentParser
import OCIModel

/// What `copy` and `push` change on the way.
struct CopyOptions: ParsableArguments {
  @Flag(help: "Copy an index with all its images. Default: the image for one platform.")
  var all = false

  @OptionGroup var platform: PlatformOptions

  @Flag(
    help: "Take along what belongs to the image by its subject: signatures, bills of materials and the like.")
  var referrers = false

  @Option(
    help: "The family of the manifests, oci or docker. Default: as they are.",
    transform: ManifestKind.init(option:))
  var format: ManifestKind?

  @Option(
    help: "The compression of the layers: none, gz or zstd. Default: as they are.",
    transform: LayerEncoding.init(option:))
  var layerCompression: LayerEncoding?

  @Flag(help: "Print the digest of what was written as JSON.")
  var json = false

  mutating func validate() throws {
    if all, platform.areGiven { throw ValidationError("--all and a platform contradict each other.") }
  }
}

extension ManifestKind {
  /// Reads the value of `--format`.
  init(option: String) throws {
    switch option {
    case "oci": self = .oci
    case "docker": self = .docker
    default: throw ValidationError("--format is oci or docker.")
    }
  }
}

extension LayerEncoding {
  /// Reads the value of `--layer-compression`.
  init(option: String) throws {
    switch option {
    case "none": self = .uncompressed
    case "gz": self = .gzip
    case "zstd": self = .zstd
    default: throw ValidationError("the compressions are none, gz and zstd.")
    }
  }
}
