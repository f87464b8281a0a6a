public import Hashing
public import OCIModel
import Synchronization

extension ImageCopy {
  /// Copies, unchanged, what belongs to the documents in `log`, and what belongs to that; returns all of it.
  func copyReferrers(log: CopiedDocuments) async throws -> [ManifestDocument] {
    let unchanged = ImageCopy(from: source, to: destination, changes: Changes(), scratch: scratch)
    var referrers: [ManifestDocument] = []
    while let subject = log.next() {
      for entry in try await source.referrers(of: subject.digest) {
        if subject.isChanged { throw ReferrersLeftBehind(subject: subject.digest, referrer: entry) }
        if log.contains(entry.digest) { continue }
        let document = try await source.document(entry)
        // A list that clients keep may be wrong.
        guard document.subject?.digest == subject.digest else { continue }
        referrers.append(try await unchanged.copyDocument(document, log: log))
        guard referrers.count <= ImageIndex.maximumEntryCount else {
          throw TooManyReferrers(digest: source.root.digest)
        }
      }
    }
    return referrers
  }
}

/// The documents that a copy has come by.
final class CopiedDocuments: Sendable {
  /// One document, as the source has it.
  struct Entry: Sendable {
    var digest: Digest
    /// Whether the destination has got another one.
    var isChanged: Bool
  }

  private let state = Mutex((seen: Set<Digest>(), waiting: [Entry]()))
  private let blobs = Mutex<Set<Digest>>([])

  /// Whether the blob has not been met before; it counts as met then.
  ///
  /// A copy ends when a blob cannot be put, so that nobody relies on one that is not there.
  func isFirst(blob: Digest) -> Bool { blobs.withLock { $0.insert(blob).inserted } }

  func add(_ digest: Digest, isChanged: Bool) {
    state.withLock { state in
      if state.seen.insert(digest).inserted {
        state.waiting.append(Entry(digest: digest, isChanged: isChanged))
      }
    }
  }

  func contains(_ digest: Digest) -> Bool { state.withLock { $0.seen.contains(digest) } }

  /// A document that was not asked for before.
  func next() -> Entry? { state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() } }
}

/// Something that belongs to a document whose digest the copy changes: it would belong to nothing.
public struct ReferrersLeftBehind: Error, CustomStringConvertible {
  /// The document as the source has it.
  public let subject: Digest
  /// What belongs to it.
  public let referrer: Descriptor

  /// One line for people.
  public var description: String {
    "\(referrer.artifactType ?? "the manifest") \(referrer.digest) belongs to \(subject), which this copy changes, so that it would "
      + "belong to nothing; copy without a change of format, compression or platforms, or without --referrers"
  }
}

/// More of them than any honest image has.
struct TooManyReferrers: Error, CustomStringConvertible {
  var digest: Digest
  var description: String { "more than \(ImageIndex.maximumEntryCount) manifests belong to \(digest)" }
}
