import Hashing
import ImageArchive
public import OCIModel

/// One image while it is being changed: its documents as values, and where new layers come from.
public struct ImageDraft: Sendable {
  /// What the image was, to tell it from the others of its index.
  public struct Identity: Hashable, Sendable {
    let manifest: Digest
    let platform: Platform?
    let isInIndex: Bool

    init(_ manifest: Digest, entry: Descriptor?) {
      self.manifest = manifest
      platform = entry?.platform
      isInIndex = entry != nil
    }
  }

  /// See `Identity`.
  public let identity: Identity
  /// The manifest; its `config` is made to fit at the end.
  public var manifest: Manifest
  /// The configuration.
  public var config: ImageConfig
  /// The platform by which the index above offers the image, if it does.
  public var entryPlatform: Platform?
  /// Layers that no source has.
  private(set) var made: [Digest: any BlobContent] = [:]
  /// Layers of other sources.
  private(set) var borrowed: [Digest: any ImageSource] = [:]

  /// - Throws: `TransformError.layerCount`.
  init(_ manifest: Encoded<Manifest>, config: ImageConfig, entry: Descriptor?) throws {
    identity = Identity(manifest.digest, entry: entry)
    self.manifest = manifest.value
    self.config = config
    entryPlatform = entry?.platform
    guard config.diffIDs.count == manifest.value.layers.count else {
      throw TransformError.layerCount(
        image: name, layers: manifest.value.layers.count, diffIDs: config.diffIDs.count)
    }
  }

  /// What the image runs on: what the index says, or else the config.
  public var platform: Platform {
    guard let entryPlatform, !entryPlatform.os.isEmpty, !entryPlatform.isUnknown else {
      return config.platform
    }
    return entryPlatform
  }

  /// What to call it in messages.
  public var name: String { "the image for \(platform)" }

  /// Puts a layer on top that is made here.
  mutating func append(_ layer: Layer) {
    manifest.layers.append(layer.descriptor)
    made[layer.descriptor.digest] = layer.content
  }

  /// Takes all layers away.
  mutating func removeLayers() {
    manifest.layers = []
    (made, borrowed) = ([:], [:])
  }

  /// Puts layers of another source below all that are there from position `count` on, and takes those before away.
  mutating func replaceLayers(upTo count: Int, by layers: [Descriptor], of source: any ImageSource) {
    manifest.layers.replaceSubrange(..<count, with: layers)
    for layer in layers { borrowed[layer.digest] = source }
  }
}

/// A change of images, which needs neither network nor files any more.
public protocol ImageTransform: Sendable {
  /// Changes an image.
  func apply(to image: inout ImageDraft) throws
  /// Changes what an index says of itself; its entries follow from the images.
  func apply(to index: inout ImageIndex) throws
  /// Refuses what makes no sense for this number of images.
  func check(imageCount: Int) throws
}

extension ImageTransform {
  /// Leaves the index as it is.
  public func apply(to index: inout ImageIndex) throws {}
  /// Takes any number.
  public func check(imageCount: Int) throws {}
}
