internal import HTTPTransport
internal import OCIModel

/// Brings one blob from one place to its receiver, in as many attempts as it takes.
///
/// Each attempt begins at the registry's own URL, because presigned ones expire, and continues after the bytes that the receiver
/// has, also those of an earlier run. Failures in a row count only while less than 1 MiB is gained between them.
struct BlobTransfer<Receiver: BlobReceiver> {
  let session: Session
  let blob: Descriptor
  let receiver: Receiver
  /// What the blob is, for people.
  let subject: String
  /// Whether the descriptor's size counts.
  let checksSize: Bool
  /// How many failures in a row end it.
  let attempts: Int
  /// Sends one request with the given extra header fields.
  let open: (HTTPHeaders, BlobPayload<Receiver>) async throws -> Answer

  private var failures = 0
  private var mayResume = true
  private var mismatches = 0
  private var refusesEncoding = false

  init(
    _ blob: Descriptor, into receiver: Receiver, subject: String, checksSize: Bool, session: Session,
    attempts: Int,
    open: @escaping (HTTPHeaders, BlobPayload<Receiver>) async throws -> Answer
  ) {
    self.session = session
    self.blob = blob
    self.receiver = receiver
    self.subject = subject
    self.checksSize = checksSize && blob.byteCount >= 0
    self.attempts = attempts
    self.open = open
  }

  /// Returns when the receiver has all bytes and is satisfied with them.
  mutating func run() async throws {
    if receiver.receivedByteCount > 0, try finishesAtOnce() { return }
    while true {
      let offset = receiver.receivedByteCount
      let payload = payload(from: offset)
      do {
        try await attempt(payload, from: offset)
        try checkLength(isEncoded: payload.contentEncoding != nil)
        try receiver.finish()
        return
      } catch let error as RegistryError where error.isTransient {
        try await wait(after: error, begunAt: offset)
      } catch let error as RegistryError where error.refusal?.status == 416 && offset > 0 && mayResume {
        try restartWithoutRange("the registry cannot continue at byte \(offset)")
      } catch BlobAnswerProblem.unfittingPart(let range) {
        guard offset > 0, mayResume else {
          throw unusable("answers with a part that was not asked for: \(range)")
        }
        try restartWithoutRange("the registry sent another part than asked for (\(range))")
      } catch BlobAnswerProblem.wrongLength(let found) {
        try retry(after: mismatch(found: found), payload.contentEncoding)
      } catch let error as ContentMismatch {
        try retry(after: error, payload.contentEncoding)
      }
    }
  }

  /// Whether an earlier run left all of it.
  ///
  /// Nothing is asked for in that case, and never anything after the end.
  private func finishesAtOnce() throws -> Bool {
    guard blob.byteCount > 0 else { return false }
    let count = receiver.receivedByteCount
    guard count >= blob.byteCount else { return false }
    if count == blob.byteCount || !checksSize {
      do {
        try receiver.finish()
        return true
      } catch is ContentMismatch {
        session.configuration.report(
          .restarted(subject: subject, reason: "what an earlier run left does not match"))
      }
    }
    try receiver.restart()
    return false
  }

  private func payload(from offset: Int64) -> BlobPayload<Receiver> {
    let (report, subject) = (session.configuration.report, subject)
    return BlobPayload(receiver, offset: offset, byteCount: checksSize ? blob.byteCount : nil) {
      report(.resumed(subject: subject, offset: offset))
    }
  }

  private func attempt(_ payload: BlobPayload<Receiver>, from offset: Int64) async throws {
    var headers: HTTPHeaders = [:]
    if offset > 0, mayResume { headers.add("Range", "bytes=\(offset)-") }
    if refusesEncoding { headers.add("Accept-Encoding", "identity") }
    let answer = try await open(headers, payload)
    guard answer.response.status == 200 || answer.response.status == 206 else {
      throw RegistryError.unusable(answer.attempt, "status \(answer.response.status) instead of 200 or 206")
    }
  }

  /// A body that just ends early is one that was cut, where nothing else tells.
  private func checkLength(isEncoded: Bool) throws {
    let count = receiver.receivedByteCount
    guard checksSize, count < blob.byteCount else { return }
    guard !isEncoded else { throw mismatch(found: count) }
    throw RegistryError.transport(
      RegistryError.Attempt(method: "GET", url: subject),
      .connectionLost(host: subject, reason: "the body ended \(blob.byteCount - count) bytes early"))
  }

  private mutating func wait(after error: RegistryError, begunAt offset: Int64) async throws {
    let count = receiver.receivedByteCount
    failures = count - offset >= RetryPolicy.progress ? 1 : failures + 1
    guard failures < attempts else { throw error }
    try await session.pause(
      after: error, failures: failures, subject: subject, offset: count > 0 ? count : nil)
  }

  private mutating func restartWithoutRange(_ reason: String) throws {
    mayResume = false
    session.configuration.report(.restarted(subject: subject, reason: reason))
    try receiver.restart()
  }

  /// Wrong bytes get one more chance: a proxy's cache may have been at fault, or an earlier run's rest.
  private mutating func retry(after mismatch: ContentMismatch, _ encoding: String?) throws {
    mismatches += 1
    try receiver.restart()
    let note = encoding.map { "it came with Content-Encoding: \($0), which was not asked for" }
    guard mismatches < 2 else { throw RegistryError.mismatch(mismatch, note: note) }
    refusesEncoding = encoding != nil
    session.configuration.report(.restarted(subject: subject, reason: "\(mismatch)"))
  }

  private func mismatch(found: Int64) -> ContentMismatch {
    ContentMismatch(
      subject: subject, expected: blob.digest, found: nil, expectedByteCount: blob.byteCount,
      foundByteCount: found)
  }

  private func unusable(_ reason: String) -> RegistryError {
    .unusable(RegistryError.Attempt(method: "GET", url: subject), reason)
  }
}
