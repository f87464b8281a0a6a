internal import HTTPTransport
internal import OCIModel

/// Brings one blob to a registry, in as many attempts as it takes (registry-protocol.md, section 7).
///
/// All of it goes in one PUT. After a failure that passes the registry is asked what it has, and the rest follows in a PATCH;
/// where it cannot say, everything is sent again. Chunks are for registries, or fronts of theirs, that refuse the length.
struct BlobUpload<Source: BlobUploadSource> {
  let session: Session
  let endpoint: Endpoint
  let blob: Descriptor
  let source: Source
  /// What the blob is, for people.
  let subject: String
  /// How many failures in a row end it.
  let attempts: Int

  /// Nil until an upload is open.
  var place: UploadPlace?
  /// How many bytes the registry has.
  var offset: Int64 = 0
  /// The length of chunks, or nil for everything at once.
  private var chunkByteCount: Int64?
  private var failures = 0
  /// Whether the registry must say first how much it has.
  private var mustLocate = false
  private var mayResume = true
  /// The most that this upload was continued after.
  private var lastResumption: Int64 = 0
  /// The most that any upload of the blob was continued after.
  private var furthestResumption: Int64 = 0
  /// Whether what the registry says of the bytes it has counts.
  var trustsRange = true
  /// Whether the bytes went in several requests, which some registries put together wrongly.
  var isInParts = false
  private var wasDigestRefused = false

  init(
    _ blob: Descriptor, from source: Source, to endpoint: Endpoint, at place: UploadPlace?, subject: String,
    session: Session
  ) {
    self.blob = blob
    self.source = source
    self.endpoint = endpoint
    self.place = place
    self.subject = subject
    self.session = session
    attempts = session.configuration.retry.attempts
  }

  /// Returns when the registry has the blob.
  mutating func run() async throws {
    do {
      while try await !attempt() {}
    } catch let error as ContentMismatch {
      await abandon()
      throw RegistryError.mismatch(error, note: nil)
    }
  }

  /// Whether the registry has the blob now; false when there is to be another attempt.
  private mutating func attempt() async throws -> Bool {
    do {
      if mustLocate, try await locate() { return true }
      try await send()
      return true
    } catch let error as RegistryError where error.isTransient {
      try await wait(after: error)
    } catch UploadProblem.unreliableRange(let reason) {
      (trustsRange, mayResume) = (false, false)
      try await startOver(reason)
    } catch let error as RegistryError where place != nil {
      guard let refusal = error.refusal else { throw error }
      try await consider(error, refusal)
    }
    return false
  }

  private mutating func send() async throws {
    if place == nil { try await open() }
    if chunkByteCount == nil, offset == 0 { return try await putWhole() }
    while offset < blob.byteCount {
      let end = chunkByteCount.map { min(offset + $0, blob.byteCount) } ?? blob.byteCount
      try await patch(until: end)
    }
    try await putEnd()
  }

  // MARK: After failures

  private mutating func wait(after error: RegistryError) async throws {
    failures += 1
    guard failures < attempts else { throw error }
    try await session.pause(
      after: error, failures: failures, subject: subject, offset: offset > 0 ? offset : nil)
    mustLocate = place != nil
  }

  /// Finds out where to go on; true when the registry has the blob already, because only its answer was lost.
  private mutating func locate() async throws -> Bool {
    if mayResume, let count = try await keptByteCount(), count > 0, count <= blob.byteCount,
      count > lastResumption
    {
      if count - furthestResumption >= RetryPolicy.progress { failures = 1 }
      furthestResumption = max(furthestResumption, count)
      (offset, lastResumption, isInParts, mustLocate) = (count, count, true, false)
      session.configuration.report(.resumed(subject: subject, offset: count))
      return false
    }
    if try await session.has(blob, at: endpoint) { return true }
    try await startOver("the registry has kept nothing of it")
    return false
  }

  /// A refusal of something that was sent to an open upload.
  private mutating func consider(_ error: RegistryError, _ refusal: Refusal) async throws {
    switch refusal.status {
    case 416 where chunkByteCount == nil && offset > 0:
      mayResume = false
      try await startOver("the registry cannot continue at byte \(offset)")
    case 413, 416:
      try await shrink(after: error)
    case 404:
      failures += 1
      guard failures < attempts else { throw error }
      place = nil
      try await session.pause(after: error, failures: failures, subject: subject)
      try await startOver("the registry does not know the upload any more")
    case 400..<500 where refusal.says("DIGEST_INVALID") || refusal.says("SIZE_INVALID"):
      guard isInParts, !wasDigestRefused else {
        throw RegistryError.wrongUpload(subject: subject, blob.digest, refusal)
      }
      (wasDigestRefused, mayResume, trustsRange) = (true, false, false)
      try await startOver("the registry has put its parts together to something else")
    default:
      await abandon()
      throw error
    }
  }

  /// Goes on in chunks, or in shorter ones.
  private mutating func shrink(after error: RegistryError) async throws {
    let minimum = place?.minimumChunkByteCount ?? 0
    let current = chunkByteCount ?? blob.byteCount
    let shorter = Self.chunkByteCounts.lazy.map { max($0, minimum) }.first { $0 < current }
    guard let shorter else {
      await abandon()
      throw error
    }
    (chunkByteCount, isInParts) = (shorter, true)
    try await startOver("the registry takes no \(current) bytes at once; going on with \(shorter)")
  }

  /// What registries and their fronts are known to refuse more than: S3 wants no less than 5 MiB, ghcr.io takes 4 MiB, nginx
  /// without configuration 1 MiB.
  private static var chunkByteCounts: [Int64] { [32 << 20, 5 << 20, 4 << 20, 1 << 20] }

  private mutating func startOver(_ reason: String) async throws {
    await abandon()
    (offset, lastResumption, mustLocate) = (0, 0, false)
    if chunkByteCount == nil { isInParts = false }
    try Task.checkCancellation()
    session.configuration.report(.restarted(subject: subject, reason: reason))
  }
}

/// Why an upload cannot go on as it did.
enum UploadProblem: Error {
  /// The registry takes bytes and says that it has others.
  case unreliableRange(String)
}
