import OrderedJSON

@testable import OCIModel

/// Parts from which documents are put together; every digest is that of no bytes.
enum Sample {
  static let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  static func descriptor(_ type: MediaType, size: Int = 0, _ more: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = [
      "mediaType": .string(type.rawValue), "digest": .string(digest), "size": .integer(size),
    ]
    object.append(contentsOf: more)
    return .object(object)
  }

  static func manifest(_ changes: [String: JSONValue?] = [:]) -> JSONObject {
    var object: JSONObject = [
      "schemaVersion": 2, "config": descriptor(.ociConfig), "layers": [descriptor(.ociLayerGzip)],
    ]
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) { object[name] = value }
    return object
  }

  static func index(_ changes: [String: JSONValue?] = [:]) -> JSONObject {
    var object: JSONObject = ["schemaVersion": 2, "manifests": [descriptor(.ociManifest)]]
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) { object[name] = value }
    return object
  }

  static func read(_ object: JSONObject, _ type: MediaType?) throws(DocumentError) -> ManifestDocument {
    try ManifestDocument(bytes: JSONValue.object(object).serialized(), contentType: type)
  }

  static func type(_ type: MediaType) -> [String: JSONValue?] { ["mediaType": .string(type.rawValue)] }
}
