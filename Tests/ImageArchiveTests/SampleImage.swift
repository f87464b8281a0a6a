import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport

/// A small image, laid out as different programs do it.
struct SampleImage {
  var layers: [[UInt8]]
  /// The layers as they are stored.
  var stored: [[UInt8]]
  var config: [UInt8]
  var kind = ManifestKind.oci
  var encoding = LayerEncoding.uncompressed

  /// Two different layers, of which the first comes twice.
  static let plain: SampleImage = {
    let layers = [
      LayerBytes.tar([
        ("etc/a", Array("a".utf8)), ("large", (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }),
      ]),
      LayerBytes.tar("etc/b", "b"),
    ]
    return SampleImage(layers: [layers[0], layers[1], layers[0]])
  }()

  init(layers: [[UInt8]], history: Int? = nil, os: String = "linux", diffIDs: [Digest]? = nil) {
    self.layers = layers
    stored = layers
    let list = (diffIDs ?? layers.map { Digest(of: $0) }).map { "\"\($0)\"" }.joined(separator: ",")
    let steps =
      Array(repeating: #"{"created_by":"x"}"#, count: history ?? layers.count)
      + [#"{"created_by":"ENV","empty_layer":true}"#]
    config = Array(
      #"{"architecture":"amd64","os":"\#(os)","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":[\#(list)]},"history":[\#(steps.joined(separator: ","))]}"#
        .utf8)
  }

  /// The same image with compressed layers.
  func compressed(_ encoding: LayerEncoding) async throws -> SampleImage {
    var image = self
    image.encoding = encoding
    image.stored = []
    for layer in layers {
      switch encoding {
      case .uncompressed: image.stored.append(layer)
      case .gzip: image.stored.append(try await LayerBytes.gzip(layer))
      case .zstd: image.stored.append(try await LayerBytes.zstd(layer))
      }
    }
    return image
  }

  var manifest: Encoded<Manifest> {
    Manifest(
      kind: kind,
      config: Descriptor(
        mediaType: kind == .oci ? .ociConfig : .dockerConfig, digest: Digest(of: config),
        byteCount: Int64(config.count)),
      layers: stored.map {
        Descriptor(
          mediaType: MediaType.layer(encoding, in: kind) ?? .ociLayer, digest: Digest(of: $0),
          byteCount: Int64($0.count))
      }
    ).encoded()
  }

  // MARK: docker-archives

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }

  static func manifestJSON(_ config: String, _ tags: [String], _ layers: [String]) -> String {
    #"{"Config":"\#(config)","RepoTags":\#(list(tags)),"Layers":\#(list(layers))}"#
  }

  static func manifestMember(_ items: String...) -> TarBytes.Member {
    .init("manifest.json", text: "[" + items.joined(separator: ",") + "]\n")
  }

  /// `docker save` before version 25: a directory for each layer, repeated ones linked to the first.
  func oldDocker(_ tags: [String] = ["sample:1"]) -> [TarBytes.Member] {
    var members: [TarBytes.Member] = []
    var first: [[UInt8]: String] = [:]
    for (index, layer) in stored.enumerated() {
      let id = Digest(of: "layer \(index)".utf8).hex
      members += [
        .init("\(id)/", type: "5"), .init("\(id)/VERSION", text: "1.0"), .init("\(id)/json", text: "{}"),
      ]
      if let target = first[layer] {
        members.append(.init("\(id)/layer.tar", type: "2", link: "../\(target)/layer.tar"))
      } else {
        members.append(.init("\(id)/layer.tar", layer))
        first[layer] = id
      }
    }
    let names = stored.indices.map { "\(Digest(of: "layer \($0)".utf8).hex)/layer.tar" }
    let name = Digest(of: config).hex + ".json"
    return [.init(name, config)] + members + [
      Self.manifestMember(Self.manifestJSON(name, tags, names)), .init("repositories", text: "{}"),
    ]
  }

  /// Buildkit and nix tools: a directory for each layer, and no links; `manifest.json` comes first.
  func buildkit(_ tags: [String] = ["sample:1"]) -> [TarBytes.Member] {
    let names = stored.indices.map { "\(Digest(of: "layer \($0)".utf8).hex)/layer.tar" }
    let name = Digest(of: config).hex + ".json"
    return [Self.manifestMember(Self.manifestJSON(name, tags, names)), .init(name, config)]
      + zip(names, stored).map { .init($0, $1) }
  }

  /// Podman and skopeo: layers named by their digest, with the legacy directories.
  func podman(_ tags: [String] = ["docker.io/library/sample:1"]) -> [TarBytes.Member] {
    let names = layers.map { Digest(of: $0).hex + ".tar" }
    let name = Digest(of: config).hex + ".json"
    let files = Dictionary(zip(names, stored)) { first, _ in first }
    return files.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) } + [.init(name, config)]
      + names.enumerated().map {
        .init("\(Digest(of: "\($0)".utf8).hex)/layer.tar", type: "2", link: "../\($1)")
      } + [
        Self.manifestMember(Self.manifestJSON(name, tags, names))
      ]
  }

  /// Go-containerregistry: compressed layers.
  func crane(_ tags: [String] = ["sample:1"]) -> [TarBytes.Member] {
    let names = stored.map { Digest(of: $0).hex + ".tar.gz" }
    let name = "\(Digest(of: config))"
    let files = Dictionary(zip(names, stored)) { first, _ in first }
    return [.init(name, config)] + files.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) } + [
      Self.manifestMember(Self.manifestJSON(name, tags, names))
    ]
  }

  /// `docker save` from version 25 on: both a docker-archive and a layout.
  func newDocker(_ tags: [String] = ["sample:1"]) -> [TarBytes.Member] {
    let names = stored.map { "blobs/sha256/" + Digest(of: $0).hex }
    return blobs.sorted { $0.key.hex < $1.key.hex }.map { .init("blobs/sha256/\($0.key.hex)", $0.value) } + [
      .init("blobs/", type: "5"), .init("blobs/sha256/", type: "5"),
      .init("index.json", text: Self.index([(manifest, "1")])),
      Self.manifestMember(Self.manifestJSON("blobs/sha256/\(Digest(of: config).hex)", tags, names)),
      .init("oci-layout", text: #"{"imageLayoutVersion": "1.0.0"}"#), .init("repositories", text: "{}"),
    ]
  }

  // MARK: Layouts

  var blobs: [Digest: [UInt8]] {
    var blobs = [Digest(of: config): config, manifest.digest: manifest.bytes]
    for layer in stored { blobs[Digest(of: layer)] = layer }
    return blobs
  }

  static func index(_ entries: [(manifest: Encoded<Manifest>, name: String?)]) -> String {
    let texts = entries.map { entry in
      let name = entry.name.map { #","annotations":{"org.opencontainers.image.ref.name":"\#($0)"}"# } ?? ""
      return
        #"{"mediaType":"\#(entry.manifest.value.mediaType)","digest":"\#(entry.manifest.digest)","size":\#(entry.manifest.bytes.count)\#(name)}"#
    }
    return #"{"schemaVersion":2,"manifests":[\#(texts.joined(separator: ","))]}"#
  }

  /// Writes a layout; `index` is the content of `index.json`.
  static func writeLayout(
    _ images: [SampleImage], to name: String, in directory: TemporaryDirectory, index: String? = nil
  ) throws {
    try directory.write(#"{"imageLayoutVersion":"1.0.0"}"#, to: "\(name)/oci-layout")
    let entries = images.enumerated().map { ($1.manifest, images.count == 1 ? nil : "\($0)") }
    try directory.write(index ?? Self.index(entries), to: "\(name)/index.json")
    for image in images {
      for (digest, bytes) in image.blobs {
        try directory.write(bytes, to: "\(name)/blobs/sha256/\(digest.hex)")
      }
    }
  }
}

extension TemporaryDirectory {
  func open(
    _ members: [TarBytes.Member], as format: ImageCollection.Format? = nil
  ) async throws -> ImageCollection {
    let path = try write(TarBytes.archive(members), to: "archive-\(UInt32.random(in: 0 ... .max))")
    return try await ImageOpener(scratch: FilePath(self.path)).open(FilePath(path), as: format)
  }

  func open(_ name: String, as format: ImageCollection.Format? = nil) async throws -> ImageCollection {
    try await ImageOpener(scratch: FilePath(path)).open(FilePath(appending(name)), as: format)
  }
}

extension ImageSource {
  /// The root, which must be a manifest.
  var manifest: Manifest {
    get throws {
      guard case .manifest(let manifest) = root else { throw DocumentError.unknownContent }
      return manifest.value
    }
  }

  /// The bytes of a blob, checked while they are read.
  func bytes(_ descriptor: Descriptor) async throws -> [UInt8] {
    let content = try await blob(descriptor, subject: "blob")
    return try content.open().everything()
  }

  /// Config and layers, all read.
  func contents() async throws -> [[UInt8]] {
    var contents = [try await bytes(try manifest.config)]
    for layer in try manifest.layers { contents.append(try await bytes(layer)) }
    return contents
  }
}

extension ByteSource {
  /// Everything up to the end.
  func everything() throws -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 100_000)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { return all }
      all += buffer[..<count]
    }
  }
}
