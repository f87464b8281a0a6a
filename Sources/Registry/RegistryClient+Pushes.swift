public import Hashing
internal import HTTPTransport
public import OCIModel
internal import OrderedJSON

/// What a registry said when it took a manifest.
public struct ManifestReceipt: Sendable, Hashable {
  /// `OCI-Subject`: the registry has noted that the manifest belongs to this one.
  ///
  /// Nil for a manifest with a subject means that others only find it by the fallback tag: see `addReferrer`.
  public let subject: Digest?
}

extension RegistryClient {
  /// Stores a manifest or an index under the reference's digest, else its tag, else `latest`.
  ///
  /// Blobs and child manifests must be there before: see `RegistryError.missingContent`.
  @discardableResult
  public func put(_ document: ManifestDocument, at reference: Reference) async throws -> ManifestReceipt {
    try await put(document.bytes, mediaType: document.mediaType, at: reference)
  }

  /// Stores the exact bytes of a manifest or an index, whose own `mediaType` must be the one given.
  ///
  /// - Throws: `RegistryError.mismatch` before anything is sent when the reference has another digest than the bytes.
  @discardableResult
  public func put(
    _ bytes: [UInt8], mediaType: MediaType, at reference: Reference
  ) async throws -> ManifestReceipt {
    if let expected = reference.digest {
      let digest = Digest(of: bytes, algorithm: expected.algorithm)
      guard digest == expected else {
        let mismatch = ContentMismatch(
          subject: "manifest for \(reference)", expected: expected, found: digest, expectedByteCount: nil,
          foundByteCount: Int64(bytes.count))
        throw RegistryError.mismatch(mismatch, note: nil)
      }
    }
    let answer = try await put(bytes, mediaType, at: reference, to: try home(of: reference))
    let subject = answer.response.headers.first("oci-subject").flatMap { try? Digest(parsing: $0) }
    return ManifestReceipt(subject: subject)
  }

  /// How often a 404 is not believed: a repository that was just begun may not be known everywhere.
  private static let disbelief = 2

  func put(
    _ bytes: [UInt8], _ mediaType: MediaType, at reference: Reference, to endpoint: Endpoint,
    headers: HTTPHeaders = [:]
  ) async throws -> Answer {
    var headers = headers
    headers.set("Content-Type", mediaType.rawValue)
    let request = RegistryRequest(
      changing: endpoint, .put, reference.manifestTarget, headers: headers, body: MemoryBody(bytes))
    let subject = "manifest for \(reference)"
    var refusals = 0
    while true {
      do {
        return try await session.retrying(subject, attempts: session.configuration.retry.attempts) {
          try await session.succeed(request, payload: NoBody())
        }
      } catch let error as RegistryError {
        guard case .notFound = error, refusals < Self.disbelief else { throw error }
        refusals += 1
        try await session.pause(after: error, failures: refusals, subject: subject)
      }
    }
  }

  /// Deletes a manifest with all its tags, or one tag where the reference has no digest.
  ///
  /// - Throws: `RegistryError.refused` with a hint where the registry cannot delete a tag by itself. It is not replaced by
  ///   deleting the manifest, because other tags of it would go, too.
  public func delete(_ reference: Reference) async throws {
    let endpoint = try home(of: reference)
    // docker-registry wants the right to delete, quay the one to push; `*` is both.
    let request = RegistryRequest(changing: endpoint, .delete, reference.manifestTarget, actions: "*")
    try await session.retrying(
      "deleting \(reference)", attempts: session.configuration.retry.attempts
    ) {
      let answer = try await session.perform(request, payload: NoBody())
      guard !answer.isSuccess else { return }
      let error = await session.refusal(answer, endpoint)
      throw error.explainingDeletion(of: reference)
    }
  }
}

extension Reference {
  /// What stands after the repository's name to mean this manifest.
  var manifestTarget: String { "manifests/\(digest?.description ?? effectiveTag ?? "latest")" }
}

extension RegistryError {
  /// The blobs and manifests that a refused manifest names and that the registry does not have.
  ///
  /// Nil when the refusal is for another reason; empty when the registry does not say which. Uploading all of them, whatever
  /// `exists` said, and putting the manifest again is what helps.
  public var missingContent: [Digest]? {
    let codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"]
    let messages = refusal?.messages.filter { codes.contains($0.code) } ?? []
    guard !messages.isEmpty else { return nil }
    return messages.compactMap { message in
      let text =
        message.detail?.string ?? message.detail?["digest"]?.string ?? message.detail?["Digest"]?.string
      return text.flatMap { try? Digest(parsing: $0) }
    }
  }

  fileprivate func explainingDeletion(of reference: Reference) -> RegistryError {
    guard case .refused(var refusal) = self else { return self }
    if refusal.status == 405, reference.digest != nil {
      refusal.hint =
        "the registry does not allow deleting; docker-registry does when it runs with REGISTRY_STORAGE_DELETE_ENABLED=true"
    } else if reference.digest == nil,
      [400, 405, 501].contains(refusal.status) || refusal.says("UNSUPPORTED")
    {
      refusal.hint =
        "the registry cannot delete a tag alone; deleting \(reference.name)@DIGEST removes the manifest with "
        + "all its tags"
    }
    return .refused(refusal)
  }
}
