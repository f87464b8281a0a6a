import ArchiveIO
import Hashing
import OCIModel

/// The blobs of a layout that something named in `index.json` needs, directly or not.
struct NeededBlobs {
  private(set) var digests: Set<Digest> = []
  private let files: any BlobFiles

  /// Follows every document from `index.json` on, and then those of `present` that belong to what was found.
  ///
  /// - Throws: what reading a damaged document throws.
  init(in layout: OCILayoutReader, among present: [(digest: Digest, byteCount: Int64)]) throws {
    files = layout.files
    try follow(layout.index.value.manifests)
    var others = try referrers(among: present)
    while true {
      let belonging = others.filter { digests.contains($0.subject) }
      if belonging.isEmpty { break }
      others.removeAll { digests.contains($0.subject) }
      try follow(belonging.map(\.descriptor))
    }
  }

  private mutating func follow(_ descriptors: [Descriptor]) throws {
    var rest = descriptors
    while let descriptor = rest.popLast() {
      guard digests.insert(descriptor.digest).inserted,
        let document = try document(descriptor)
      else { continue }
      switch document {
      case .index(let index): rest += index.value.manifests
      case .manifest(let manifest): rest += [manifest.value.config] + manifest.value.layers
      }
    }
  }

  /// The manifest or index, where it is one and is there: a layout may lack platforms that nobody copied.
  private func document(_ descriptor: Descriptor) throws -> ManifestDocument? {
    let type = descriptor.mediaType
    guard try files.file(descriptor.digest.layoutName) != nil else { return nil }
    if type.isManifest || type.isIndex { return try files.document(descriptor) }
    // An entry without a good type may be a manifest all the same.
    return type.isGeneric ? try? files.document(descriptor) : nil
  }

  /// Manifests among the blobs that nothing names so far, and that belong to another one.
  private func referrers(
    among present: [(digest: Digest, byteCount: Int64)]
  ) throws -> [(descriptor: Descriptor, subject: Digest)] {
    try present.compactMap { blob in
      guard !digests.contains(blob.digest), blob.byteCount <= Int64(ManifestDocument.maximumByteCount),
        let file = try? files.file(blob.digest.layoutName), try file.prefix(1) == [UInt8(ascii: "{")],
        let document = try? ManifestDocument(
          bytes: file.readAll(limit: ManifestDocument.maximumByteCount), contentType: nil,
          digestAlgorithm: blob.digest.algorithm),
        document.digest == blob.digest, let subject = document.subject
      else { return nil }
      return (document.descriptor, subject.digest)
    }
  }
}
