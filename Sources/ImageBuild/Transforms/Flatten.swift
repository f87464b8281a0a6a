import ArchiveIO
public import ImageArchive
import OCIModel
import OrderedJSON
public import SystemPackage

/// Makes one layer of all layers of each image; what upper layers hide or remove is gone for good.
public struct Flatten: ImageTransform {
  private let layers: [ImageDraft.Identity: NewLayer]
  private let created: String

  /// Makes the layers of `images`, one image after the other.
  ///
  /// - Parameters:
  ///   - scratch: A directory with room for the files of one image.
  ///   - created: The time that the history says (RFC 3339).
  /// - Throws: `LayerError`, `FileSystemError`, and what reading the layers throws.
  public init(_ images: ImageSet, scratch: FilePath, cache: BlobCache, created: String) async throws {
    var layers: [ImageDraft.Identity: NewLayer] = [:]
    for draft in images.images {
      let leaf = images.tree.leaves.first { $0.document.digest == draft.identity.manifest }
      guard let document = leaf?.document else { preconditionFailure("an image of another set") }
      let image = try await Image(SingleDocument(root: document, base: images.source))
      let file = try NewFile(at: scratch.appending("flat")).file
      _ = try await FlatTar(image, style: .layer).write(to: file)
      layers[draft.identity] = try await Thread.run {
        try NewLayer(LayerInput(FileLayer(FileRange(whole: file)), name: "flatten"), scratch: cache)
      }
    }
    self.layers = layers
    self.created = created
  }

  /// See `ImageTransform`.
  public func apply(to image: inout ImageDraft) throws {
    guard let new = layers[image.identity], let layer = new.layer(in: image.manifest.kind) else {
      preconditionFailure("an image of another set")
    }
    image.removeLayers()
    image.append(layer)
    image.config = try image.config.setting(diffIDs: [new.diffID]).setting(
      "history", to: [["created": .string(created), "created_by": "cooper flatten"]])
    // It has no layers of a base any more.
    try BaseAnnotations.remove(from: &image)
  }
}

/// One document of a source, as its root.
private struct SingleDocument: ImageSource {
  let root: ManifestDocument
  let base: any ImageSource

  func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    try await base.document(descriptor)
  }

  func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    try await base.blob(descriptor, subject: subject)
  }
}
