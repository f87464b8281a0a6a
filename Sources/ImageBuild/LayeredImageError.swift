/// Why a layered image cannot be made.
public enum LayeredImageError: Error, Hashable, CustomStringConvertible {
  /// A path of a layer is not in the store.
  case outsideStore(path: String, storeDirectory: String)
  /// A socket, which no archive can hold.
  case socket(String)
  /// A member of conf.json is absent or of another kind.
  case configuration(member: String, expected: String, found: String)
  /// A text is no date that Python's `datetime.fromisoformat` takes.
  case date(member: String, text: String)
  /// Something is wrong with the base image.
  case base(path: String, problem: String)
  /// A layer of the base image is a link, which a manifest cannot name.
  case linkedLayer(Int)
  /// Manifests of that kind have no type for such layers.
  case encoding(kind: String, encoding: String)
  /// A layer came out with other bytes than a moment ago.
  case layerChanged(Int)

  /// One line for people.
  public var description: String {
    switch self {
    case .outsideStore(let path, let store):
      "\(path) is not in \(store), so it cannot be in a layer of store paths"
    case .socket(let path): "\(path) is a socket, which no image can hold; remove it"
    case .configuration(let member, let expected, let found):
      "“\(member)” of the configuration should be \(expected), and is \(found)"
    case .date(let member, let text):
      "“\(member)” is “\(text)”, which is no date with a time zone like 1970-01-01T00:00:01+00:00, and not “now”"
    case .base(let path, let problem): "the base image \(path): \(problem)"
    case .linkedLayer(let number):
      "layer \(number) of the base image is a link to another; write it with “cooper copy” to a docker-archive first"
    case .encoding(let kind, let encoding):
      "\(kind) manifests have no type for \(encoding) layers; use the OCI format, or another compression"
    case .layerChanged(let number):
      "layer \(number) changed while the image was written; nothing may change its files meanwhile"
    }
  }
}
