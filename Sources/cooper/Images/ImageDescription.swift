import Hashing
import ImageArchive
import OCIModel
import OrderedJSON

/// The facts of an image that `inspect` shows, as text for people and as JSON.
struct ImageDescription {
  private let name: String
  private let top: ManifestDocument
  private let image: Image
  private let config: ImageConfig

  /// The image at `name`, which is `top` or an entry of it.
  init(_ image: Image, named name: String, below top: ManifestDocument) throws {
    self.name = name
    self.top = top
    self.image = image
    config = try ImageConfig(image.config)
  }

  private var layers: [Descriptor] { image.manifest.value.layers }

  /// The platforms that an index offers.
  private var platforms: [String] {
    guard case .index(let index) = top else { return [] }
    return index.value.manifests.filter { !$0.isAttestation }.compactMap { $0.platform?.description }
  }

  // MARK: JSON

  /// The facts with the field's names.
  var json: JSONObject {
    let runtime = config.runtime
    return [
      "name": .string(name),
      "digest": .string(top.digest.description),
      "mediaType": .string(top.mediaType.rawValue),
      "manifestDigest": .string(image.manifest.digest.description),
      "configDigest": .string(image.manifest.value.config.digest.description),
      "platform": .string(config.platform.description),
      "platforms": .array(platforms.map { .string($0) }),
      "created": config.created.map { .string($0) } ?? .null,
      "size": .integer(layers.reduce(0) { $0 + max(0, $1.byteCount) }),
      "layers": .array(
        layers.enumerated().map { index, layer in
          [
            "digest": .string(layer.digest.description),
            "diffID": index < config.diffIDs.count ? .string(config.diffIDs[index].description) : .null,
            "mediaType": .string(layer.mediaType.rawValue),
            "size": .integer(layer.byteCount),
          ]
        }),
      "env": .array(runtime.environment.map { .string($0) }),
      "entrypoint": .array(runtime.entrypoint.map { .string($0) }),
      "cmd": .array(runtime.command.map { .string($0) }),
      "user": .string(runtime.user ?? ""),
      "workingDir": .string(runtime.workingDirectory ?? ""),
      "exposedPorts": .array(runtime.exposedPorts.map { .string($0) }),
      "volumes": .array(runtime.volumes.map { .string($0) }),
      "labels": .object(labels),
    ]
  }

  private var labels: JSONObject {
    var object = JSONObject()
    for label in config.runtime.labels.entries { object[label.name] = .string(label.value) }
    return object
  }

  // MARK: Text

  /// Lines with the names in one column and the values in another; what is empty is left out.
  var text: String {
    let rows = facts().filter { !$0.value.isEmpty }
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { name, value in
      "\(name)\(String(repeating: " ", count: width - name.count))  \(value.printable)"
    }.joined(separator: "\n")
  }

  private func facts() -> [(name: String, value: String)] {
    let runtime = config.runtime
    let total = layers.reduce(0) { $0 + max(0, $1.byteCount) }
    var rows: [(name: String, value: String)] = [
      ("Name", name),
      ("Digest", top.digest.description),
      ("Media type", top.mediaType.rawValue),
    ]
    if case .index = top {
      rows.append(("Platforms", platforms.joined(separator: ", ")))
      rows.append(("Manifest", image.manifest.digest.description))
    }
    rows += [
      ("Platform", config.platform.description),
      ("Config", image.manifest.value.config.digest.description),
      ("Created", config.created ?? ""),
      ("Size", "\(ByteCount.text(total)) in \(layers.count) layers"),
    ]
    rows += layers.enumerated().map { ("Layer \($0 + 1)", "\($1.digest)  \(ByteCount.text($1.byteCount))") }
    rows += runtime.environment.map { ("Env", $0) }
    rows += [
      ("Entrypoint", runtime.entrypoint.joined(separator: " ")),
      ("Cmd", runtime.command.joined(separator: " ")),
      ("User", runtime.user ?? ""),
      ("Working dir", runtime.workingDirectory ?? ""),
      ("Ports", runtime.exposedPorts.joined(separator: ", ")),
      ("Volumes", runtime.volumes.joined(separator: ", ")),
    ]
    return rows + runtime.labels.entries.map { ("Label", "\($0.name)=\($0.value)") }
  }
}
