import ArchiveIO
import Hashing
import OCIModel
import OrderedJSON

/// The members of a docker-archive besides the layers, byte for byte as skopeo writes them.
///
/// docker-archive-bytes.md: "Member order", "Legacy directories", "JSON serialisation", "manifest.json", "repositories".
struct DockerArchiveMetadata {
  /// A complete small member.
  struct Member {
    var header: TarHeader
    var content: [UInt8] = []
  }

  private let era: DockerArchiveEra
  private let configDigest: Digest
  private let config: [UInt8]
  private let diffIDs: [Digest]
  private let references: [Reference]
  private let copiedMembers: [(name: String, text: [UInt8])]

  /// Metadata of an image whose layers have these digests, in manifest order, duplicates included.
  ///
  /// - Throws: `DockerArchiveError.configIsNoObject`. Without layers the configuration is not looked at.
  init(
    era: DockerArchiveEra, configDigest: Digest, config: [UInt8], diffIDs: [Digest], references: [Reference]
  ) throws {
    self.era = era
    self.configDigest = configDigest
    self.config = config
    self.diffIDs = diffIDs
    self.references = references
    let needsConfig = era != .first && !diffIDs.isEmpty
    copiedMembers = needsConfig ? try Self.copiedMembers(of: config) : []
  }

  /// The name of a layer's member.
  static func layerName(_ digest: Digest, era: DockerArchiveEra) -> String {
    era == .first ? digest.description : digest.hex + ".tar"
  }

  private var configName: String { era == .first ? configDigest.description : configDigest.hex + ".json" }

  /// Everything that follows the layers, in order.
  func members() -> [Member] {
    var members = [file(configName, config)]
    guard era != .first else { return members + [file("manifest.json", manifest())] }
    let legacy = legacyLayers()
    for layer in legacy {
      members.append(
        Member(
          header: TarHeader(
            name: "\(layer.id)/layer.tar", type: .symbolicLink, mode: 0,
            linkName: "../\(layer.digest.hex).tar")))
      members.append(file("\(layer.id)/VERSION", Array("1.0".utf8)))
      members.append(file("\(layer.id)/json", layer.json))
    }
    let repositories = file("repositories", repositories(top: legacy.last?.id))
    let manifest = file("manifest.json", manifest())
    if era == .third { return members + [manifest, repositories] }
    return members + (legacy.isEmpty ? [] : [repositories]) + [manifest]
  }

  private func file(_ name: String, _ content: [UInt8]) -> Member {
    Member(header: TarHeader(name: name, mode: 0o444, byteCount: Int64(content.count)), content: content)
  }

  // MARK: Legacy directories

  private struct LegacyLayer {
    var id: String
    var digest: Digest
    var json: [UInt8]
  }

  private func legacyLayers() -> [LegacyLayer] {
    var layers: [LegacyLayer] = []
    var chain = ""
    for (index, digest) in diffIDs.enumerated() {
      chain = index == 0 ? digest.description : Digest(of: "\(chain) \(digest)".utf8).description
      var members: [(name: String, text: [UInt8])] = index == diffIDs.count - 1 ? copiedMembers : []
      if let parent = layers.last?.id { members.append(("parent", quoted(parent))) }
      let id =
        era == .second
        ? String(chain.dropFirst("sha256:".count))
        : Digest(of: object(members + [("layer_id", quoted(chain))])).hex
      let json = object(members + [("id", quoted(id))])
      layers.append(LegacyLayer(id: id, digest: digest, json: json))
    }
    return layers
  }

  /// The seven members of the configuration that go to the top layer, each with the text it has there.
  private static func copiedMembers(of config: [UInt8]) throws -> [(name: String, text: [UInt8])] {
    let document: RawJSON
    do { document = try RawJSON(config) } catch { throw DockerArchiveError.configIsNoObject("\(error)") }
    guard document.kind == .object || document.kind == .null else {
      throw DockerArchiveError.configIsNoObject("it is a JSON \(document.kind)")
    }
    let names = [
      "architecture", "config", "container", "container_config", "created", "docker_version", "os",
    ]
    return names.map { name in
      // Of repeated members the last one counts, as in Go.
      let member = document.members.last { $0.name.elementsEqual(name.utf8) }
      return (name, member.map { document.compact($0.value) } ?? Array("null".utf8))
    }
  }

  // MARK: JSON

  private func object(_ members: [(name: String, text: [UInt8])]) -> [UInt8] {
    let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let texts = sorted.map { quoted($0.name) + [UInt8(ascii: ":")] + $0.text }
    return Array("{".utf8) + texts.joined(separator: ",".utf8) + Array("}".utf8)
  }

  /// Names, tags and digests need no escapes.
  private func quoted(_ text: String) -> [UInt8] { Array("\"\(text)\"".utf8) }

  private func list(_ texts: [String]) -> String {
    "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }

  private func manifest() -> [UInt8] {
    var names: [String] = []
    for reference in references where era == .second || !names.contains(reference.description) {
      names.append(reference.description)
    }
    let layers = diffIDs.map { Self.layerName($0, era: era) }
    let layerList = era == .second && layers.isEmpty ? "null" : list(layers)
    return Array("[{\"Config\":\"\(configName)\",\"RepoTags\":\(list(names)),\"Layers\":\(layerList)}]".utf8)
  }

  private func repositories(top: String?) -> [UInt8] {
    guard let top else { return Array("{}".utf8) }
    let byName = Dictionary(grouping: references, by: \.name)
    let entries = byName.map { name, references -> (name: String, text: [UInt8]) in
      let tags = Set(references.compactMap(\.tag)).map { (name: $0, text: quoted(top)) }
      return (name, object(tags))
    }
    return object(entries)
  }
}

/// Why a docker-archive cannot be written.
public enum DockerArchiveError: Error, Hashable, CustomStringConvertible {
  /// The configuration cannot be copied into the legacy metadata; the text says what it is.
  case configIsNoObject(String)
  /// A layer has the digest of the configuration; the number counts from 1.
  case layerIsConfig(Int)
  /// An image in an archive is named by a tag, and this reference has none, or has a digest.
  case unsuitableReference(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .configIsNoObject(let found): "the image config is not a JSON object: \(found)"
    case .layerIsConfig(let number): "layer \(number) has the same digest as the image config"
    case .unsuitableReference(let text): "“\(text)” cannot name an image in a docker-archive: NAME:TAG can"
    }
  }
}
