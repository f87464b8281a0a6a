import Hashing
public import ImageArchive
public import OCIModel

/// A base image at some place, for one platform or for several.
public struct RebaseBase: Sendable {
  /// As it was named, for messages.
  public let name: String
  /// What it is called in a registry, when it is in one.
  public let reference: Reference?
  /// Where it is.
  public let source: any ImageSource

  /// A base.
  public init(name: String, reference: Reference?, source: any ImageSource) {
    self.name = name
    self.reference = reference
    self.source = source
  }

  /// What an image on it says of it.
  ///
  /// A tag is written without the digest, which has an annotation of its own.
  var annotations: BaseAnnotations {
    let name = reference.map { $0.tag == nil ? $0 : $0.withDigest(nil) }
    return BaseAnnotations(name: name?.description, digest: source.root.digest)
  }

  /// The layers for the platform of `image`.
  ///
  /// - Throws: `RebaseError`, `ImageKindError`, and what fetching throws.
  func layers(for image: ImageDraft) async throws -> BaseLayers {
    let manifest = try await manifest(for: image)
    try manifest.requireImage()
    let config = try ImageConfig(await source.config(of: manifest))
    let (found, expected) = (config.platform, image.config.platform)
    guard found.os == expected.os, found.architecture == expected.architecture else {
      throw RebaseError.otherPlatform(
        base: name, expected: "\(expected)", found: "\(found)")
    }
    guard config.diffIDs.count == manifest.layers.count else {
      throw RebaseError.layerCount(base: name, layers: manifest.layers.count, diffIDs: config.diffIDs.count)
    }
    return BaseLayers(base: self, manifest: manifest, config: config)
  }

  private func manifest(for image: ImageDraft) async throws -> Manifest {
    var document = source.root
    if case .index(let index) = document {
      document = try await source.document(entry(for: image.platform, in: index.value))
    }
    guard case .manifest(let manifest) = document else { throw TransformError.tooDeep(document.digest) }
    return manifest.value
  }

  private func entry(for platform: Platform, in index: ImageIndex) throws -> Descriptor {
    let request = PlatformRequest(
      os: platform.os, architecture: platform.architecture, variant: platform.variant)
    do {
      return try index.select(request)
    } catch {
      // As a pattern of the catch itself, this crashes the compiler (6.3.1).
      guard case .noMatch(_, let available) = error else { throw error }
      let list = available.map(\.description).joined(separator: ", ")
      throw RebaseError.noPlatform(
        base: name, platform: "\(platform)", available: list.isEmpty ? "none at all" : list)
    }
  }
}

/// A base for one platform.
struct BaseLayers: Sendable {
  let base: RebaseBase
  let manifest: Manifest
  let config: ImageConfig

  /// Refuses an image whose lowest layers are not these.
  ///
  /// Layers are told apart by diff IDs, since pushing may compress a layer anew; equal stored bytes are equal layers, too.
  func requirePrefix(of image: ImageDraft) throws(RebaseError) {
    let (layers, diffIDs) = (image.manifest.layers, image.config.diffIDs)
    for (position, expected) in config.diffIDs.enumerated() {
      guard position < layers.count else {
        throw .fewerLayers(
          image: image.name, base: base.name, imageCount: layers.count, baseCount: config.diffIDs.count,
          expected: expected)
      }
      let isSame =
        diffIDs[position] == expected || layers[position].digest == manifest.layers[position].digest
      guard isSame else {
        throw .otherLayer(
          image: image.name, base: base.name, number: position + 1, count: layers.count, expected: expected,
          found: diffIDs[position])
      }
    }
  }
}
