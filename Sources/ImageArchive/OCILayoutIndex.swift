import OCIModel
import OrderedJSON

/// The two small documents of an OCI image layout (image-spec, "Image Layout").
enum OCILayoutIndex {
  /// The annotation that names an image in `index.json`.
  static let nameAnnotation = "org.opencontainers.image.ref.name"

  /// The content of `oci-layout`.
  static let marker = Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8)

  /// The version in the content of an `oci-layout`; nil when there is none.
  static func version(_ marker: [UInt8]) -> String? {
    let json = try? JSONValue(parsing: marker, limits: .manifest)
    return json?["imageLayoutVersion"]?.string
  }

  /// What `index.json` says.
  static func parse(_ bytes: [UInt8]) throws -> ImageIndex {
    let document = try ManifestDocument(bytes: bytes, contentType: .ociIndex)
    guard case .index(let found) = document else {
      throw OCILayoutError.notALayout("index.json is no index")
    }
    return found.value
  }

  /// `index.json` with `entry` added under `name`; an entry of that name, or the same entry without one, is replaced.
  ///
  /// Those of `referrers` that are not there yet are added, too.
  static func adding(
    _ entry: Descriptor, name: String?, referrers: [Descriptor] = [], to existing: [UInt8]?
  ) throws -> [UInt8] {
    var entry = entry
    if let name { entry.annotations[nameAnnotation] = name }
    var index = try existing.map(parse) ?? ImageIndex(kind: .oci, manifests: [])
    index.manifests.removeAll { other in
      let otherName = other.annotations[nameAnnotation]
      return name == nil ? otherName == nil && other.digest == entry.digest : otherName == name
    }
    index.manifests.append(entry)
    for referrer in referrers where !index.manifests.contains(where: { $0.digest == referrer.digest }) {
      index.manifests.append(referrer)
    }
    return index.encoded().bytes
  }
}

/// What is wrong with an OCI image layout, or with writing to it.
public enum OCILayoutError: Error, Hashable, CustomStringConvertible {
  /// The directory is something else; the text says why it seems so.
  case notALayout(String)
  /// A blob's size is not what the manifest says.
  case wrongSize(subject: String, expected: Int64, found: Int64)

  /// One line for people.
  public var description: String {
    switch self {
    case .notALayout(let reason): "not an OCI image layout: \(reason)"
    case .wrongSize(let subject, let expected, let found):
      "\(subject): the manifest says \(expected) bytes, but there are \(found)"
    }
  }
}
