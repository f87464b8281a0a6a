import ArchiveIO
import Hashing
import OCIModel
import Synchronization

/// Which entries of a layout's `index.json` belong to which document, found out when it is first asked.
final class LayoutReferrers: Sendable {
  private let known = Mutex<[Digest: [Descriptor]]?>(nil)

  func referrers(of digest: Digest, in files: any BlobFiles) throws -> [Descriptor] {
    if let known = known.withLock({ $0 }) { return known[digest] ?? [] }
    let found = try Self.find(in: files)
    known.withLock { $0 = found }
    return found[digest] ?? []
  }

  private static func find(in files: any BlobFiles) throws -> [Digest: [Descriptor]] {
    var found: [Digest: [Descriptor]] = [:]
    guard try files.file("index.json") != nil else { return found }
    for entry in try OCILayoutReader(files).index.value.manifests.uniqued() {
      guard entry.mediaType.isManifest || entry.mediaType.isIndex,
        try files.file(entry.digest.layoutName) != nil,
        let subject = try files.document(entry).subject
      else { continue }
      found[subject.digest, default: []].append(entry)
    }
    return found
  }
}
