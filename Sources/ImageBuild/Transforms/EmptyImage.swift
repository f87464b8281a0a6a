import Hashing
public import ImageArchive
public import OCIModel
import OrderedJSON

/// An image without layers to put some on, as `FROM scratch` begins with.
public struct EmptyImage: ImageSource {
  /// The name that Docker keeps free for it: no registry has an image of that name.
  public static let name = "scratch"

  /// See `ImageSource`.
  public let root: ManifestDocument
  private let config: BytesContent

  /// The empty image for a platform.
  public init(for platform: Platform) {
    var members: JSONObject = [
      "architecture": .string(platform.architecture), "os": .string(platform.os),
    ]
    if let variant = platform.variant { members["variant"] = .string(variant) }
    members.append(contentsOf: ["config": [:], "rootfs": ["type": "layers", "diff_ids": []]])
    let bytes = JSONValue.object(members).serialized()
    config = BytesContent(bytes)
    let descriptor = Descriptor(
      mediaType: .ociConfig, digest: Digest(of: bytes), byteCount: Int64(bytes.count))
    root = .manifest(Manifest(kind: .oci, config: descriptor, layers: []).encoded())
  }

  /// See `ImageSource`.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument { root }

  /// See `ImageSource`.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent { config }
}
