import Hashing
import ImageArchive
import OCIModel
import OrderedJSON

/// Puts images on another base: the layers of the old one are replaced, and the image's own stay on top.
///
/// The configuration stays the image's own, as crane has it: an environment that the new base brings is not taken over. History and base
/// annotations follow.
public struct Rebase: ImageTransform {
  private struct Bases: Sendable {
    let old: BaseLayers
    let new: BaseLayers
  }

  private let bases: [ImageDraft.Identity: Bases]

  /// Fetches, for every image, what is needed of its two bases.
  ///
  /// - Throws: `RebaseError`, and what fetching throws.
  public init(
    _ images: ImageSet, bases: @escaping @Sendable (ImageDraft) throws -> (old: RebaseBase, new: RebaseBase)
  ) async throws {
    let found = try await images.images.concurrentlyMapped { image in
      let (old, new) = try bases(image)
      async let oldLayers = old.layers(for: image)
      async let newLayers = new.layers(for: image)
      return (image.identity, try await Bases(old: oldLayers, new: newLayers))
    }
    self.bases = Dictionary(found) { first, _ in first }
  }

  /// See `ImageTransform`.
  ///
  /// - Throws: `RebaseError` when the image is not built on the old base, `ConversionError` when its manifest cannot name the new layers.
  public func apply(to image: inout ImageDraft) throws {
    guard let bases = bases[image.identity] else { preconditionFailure("an image of another set") }
    let (old, new) = (bases.old, bases.new)
    try old.requirePrefix(of: image)
    let count = old.config.diffIDs.count
    let layers = try new.manifest.converted(to: image.manifest.kind).layers
    let diffIDs = new.config.diffIDs + image.config.diffIDs.dropFirst(count)
    let history = Self.history(of: image, old, new)
    image.replaceLayers(upTo: count, by: layers, of: new.base.source)
    image.config = try image.config.setting(diffIDs: diffIDs)
    if let history { image.config = try image.config.setting("history", to: .array(history.entries)) }
    try new.base.annotations.write(to: &image)
  }

  /// Nil when neither the image nor the new base has any.
  private static func history(of image: ImageDraft, _ old: BaseLayers, _ new: BaseLayers) -> LayerHistory? {
    let (whole, base) = (LayerHistory(of: image.config), LayerHistory(of: new.config))
    if whole.entries.isEmpty, base.entries.isEmpty { return nil }
    let count = old.config.diffIDs.count
    let own = whole.dropping(LayerHistory(of: old.config), layerCount: count)
    return LayerHistory(
      base.filled(forLayers: new.config.diffIDs.count).entries
        + own.filled(forLayers: image.config.diffIDs.count - count).entries)
  }
}
