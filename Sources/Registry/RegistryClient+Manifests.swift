public import Hashing
internal import HTTPTransport
public import OCIModel

/// A manifest or an index as a registry sent it.
public struct FetchedManifest: Sendable {
  /// The exact bytes.
  public let bytes: [UInt8]
  /// What `Content-Type` said, nil when it said nothing.
  ///
  /// `ManifestDocument` compares it with the content.
  public let mediaType: MediaType?
  /// The digest of `bytes`, by the algorithm of the reference's digest where it has one.
  public let digest: Digest
  /// Who sent it.
  public let endpoint: Endpoint
}

/// What a reference stands for at the moment.
public struct ResolvedManifest: Sendable, Hashable {
  /// The digest of the manifest or index.
  public let digest: Digest
  /// Its type, nil when the registry did not say.
  public let mediaType: MediaType?
  /// Its length in bytes, nil when the registry did not say.
  public let byteCount: Int64?
}

extension RegistryClient {
  /// The manifest or index that a reference stands for: of its digest, else of its tag, else of `latest`.
  ///
  /// The bytes have the reference's digest when it has one (else `RegistryError.mismatch`), and are at most 4 MiB.
  ///
  /// - Parameter accept: The types to ask for. With a type missing a registry may convert, and so send another digest without
  ///   a word (registry-protocol.md, section 4).
  public func manifest(
    for reference: Reference, accept: [MediaType] = MediaType.manifestTypes
  ) async throws -> FetchedManifest {
    try await atEndpoints(of: reference) { endpoint, attempts in
      try await manifest(for: reference, accept: accept, at: endpoint, attempts: attempts)
    }
  }

  /// The digest of what a reference stands for, by HEAD, which does not count as a pull at Docker Hub.
  ///
  /// Registries that answer HEAD badly are asked by GET. A reference with a digest is looked up too: it may not exist.
  public func digest(of reference: Reference) async throws -> ResolvedManifest {
    try await atEndpoints(of: reference) { endpoint, attempts in
      if let resolved = try await resolve(reference, at: endpoint, attempts: attempts) { return resolved }
      let fetched = try await manifest(
        for: reference, accept: MediaType.manifestTypes, at: endpoint, attempts: attempts)
      return ResolvedManifest(
        digest: fetched.digest, mediaType: fetched.mediaType, byteCount: Int64(fetched.bytes.count))
    }
  }

  func manifest(
    for reference: Reference, accept: [MediaType], at endpoint: Endpoint, attempts: Int
  ) async throws -> FetchedManifest {
    let request = request(.get, reference, accept: accept, at: endpoint)
    let (body, answer) = try await session.retrying("manifest of \(reference)", attempts: attempts) {
      let buffer = BodyBuffer(limit: ManifestDocument.maximumByteCount)
      let answer = try await session.succeed(request, payload: buffer)
      return (buffer.bytes, answer)
    }
    let digest = Digest(of: body, algorithm: reference.digest?.algorithm ?? .sha256)
    let encoding = answer.response.headers.first("content-encoding").flatMap { $0 == "identity" ? nil : $0 }
    if let expected = reference.digest, digest != expected {
      let mismatch = ContentMismatch(
        subject: "manifest of \(reference)", expected: expected, found: digest, expectedByteCount: nil,
        foundByteCount: Int64(body.count))
      throw RegistryError.mismatch(
        mismatch, note: encoding.map { "it came with Content-Encoding: \($0.printable), not asked for" })
    }
    if reference.digest == nil, let encoding {
      throw RegistryError.unusable(
        answer.attempt, "came with Content-Encoding: \(encoding.printable), which was not asked for")
    }
    return FetchedManifest(bytes: body, mediaType: answer.mediaType, digest: digest, endpoint: endpoint)
  }

  /// Nil when HEAD is no use there.
  private func resolve(
    _ reference: Reference, at endpoint: Endpoint, attempts: Int
  ) async throws -> ResolvedManifest? {
    let request = request(.head, reference, accept: MediaType.manifestTypes, at: endpoint)
    do {
      let answer = try await session.retrying("digest of \(reference)", attempts: attempts) {
        try await session.succeed(request, payload: NoBody())
      }
      let stated = answer.response.headers.first("docker-content-digest").flatMap { try? Digest(parsing: $0) }
      guard let digest = reference.digest ?? stated, let type = answer.mediaType else { return nil }
      return ResolvedManifest(digest: digest, mediaType: type, byteCount: answer.response.contentLength)
    } catch let error as RegistryError {
      guard let status = error.refusal?.status, [400, 401, 403, 404, 405].contains(status) else {
        throw error
      }
      return nil
    }
  }

  private func request(
    _ method: HTTPRequest.Method, _ reference: Reference, accept: [MediaType], at endpoint: Endpoint
  ) -> RegistryRequest {
    // One field: some old servers read only the first of several.
    let accepted = accept.map(\.rawValue).joined(separator: ", ")
    return RegistryRequest(method, endpoint, reference.manifestTarget, headers: ["Accept": accepted])
  }
}

extension Answer {
  var mediaType: MediaType? {
    response.headers.first("content-type").map { MediaType(contentType: $0) }.flatMap {
      $0.rawValue.isEmpty ? nil : $0
    }
  }
}
