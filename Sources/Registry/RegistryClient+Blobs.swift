internal import Hashing
internal import HTTPTransport
public import OCIModel

extension RegistryClient {
  /// Brings a blob to its receiver, which checks it.
  ///
  /// Continues after `receiver.receivedByteCount` bytes. When that is the whole blob, nothing is asked of anyone. When this
  /// throws, the receiver keeps what came so far unless it was wrong. Errors that the receiver throws are passed on, but
  /// `ContentMismatch` is `RegistryError.mismatch`, and only after a second try from the first byte.
  ///
  /// - Parameters:
  ///   - reference: Where the blob belongs; tag and digest do not matter.
  ///   - subject: What the blob is, for people: `layer 3 of 7`.
  ///   - checksSize: Whether the descriptor's size counts, so that not one byte more than the blob has is taken. False for
  ///     layers of images that are pinned by hash: other programs take those with a wrong size.
  public func fetch(
    _ blob: Descriptor, from reference: Reference, into receiver: some BlobReceiver, subject: String,
    checksSize: Bool = true
  ) async throws {
    if try await takeEmbedded(blob, into: receiver) { return }
    if try await fetchForeign(blob, from: reference, into: receiver, subject: subject, checksSize: checksSize)
    {
      return
    }
    try await atEndpoints(of: reference) { endpoint, attempts in
      var transfer = BlobTransfer(
        blob, into: receiver, subject: subject, checksSize: checksSize, session: session, attempts: attempts
      ) { headers, payload in
        let request = RegistryRequest(.get, endpoint, "blobs/\(blob.digest)", headers: headers)
        return try await session.succeed(request, payload: payload)
      }
      try await transfer.run()
    }
  }

  /// A small blob, checked for digest and size.
  ///
  /// −1 as the descriptor's size means that it is not known.
  ///
  /// - Throws: `RegistryError.unusable` when it is to be longer than `limit` bytes, `.transport` when it only turns out so.
  public func blob(
    _ blob: Descriptor, from reference: Reference, limit: Int, subject: String = "blob"
  ) async throws -> [UInt8] {
    guard blob.byteCount <= Int64(limit) else {
      throw RegistryError.unusable(
        RegistryError.Attempt(method: "GET", url: "\(subject) \(blob.digest) of \(reference.name)"),
        "has \(blob.byteCount) bytes; at most \(limit) are taken")
    }
    let memory = BlobMemory(blob, subject: subject, limit: limit)
    try await fetch(blob, from: reference, into: memory, subject: subject)
    return memory.bytes
  }

  /// Gives what the descriptor itself carries, if that is the blob.
  ///
  /// Nothing was taken when it is not.
  private func takeEmbedded(_ blob: Descriptor, into receiver: some BlobReceiver) async throws -> Bool {
    guard let data = blob.data, Digest(of: data, algorithm: blob.digest.algorithm) == blob.digest else {
      return false
    }
    guard blob.byteCount < 0 || blob.byteCount == Int64(data.count) else { return false }
    if receiver.receivedByteCount > 0 { try receiver.restart() }
    if !data.isEmpty {
      let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
      receiver.setResumption { continuation.yield() }
      var waiting = signals.makeAsyncIterator()
      while !(try receiver.receive(data.span.bytes)) {
        await waiting.next()
        try Task.checkCancellation()
      }
    }
    do {
      try receiver.finish()
    } catch let error as ContentMismatch {
      throw RegistryError.mismatch(error, note: nil)
    }
    return true
  }
}
