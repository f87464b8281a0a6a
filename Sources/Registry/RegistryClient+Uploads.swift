internal import Hashing
internal import HTTPTransport
public import OCIModel

extension RegistryClient {
  /// The place that a repository is written to.
  ///
  /// It is never a mirror.
  func home(of reference: Reference) throws -> Endpoint {
    guard let home = try session.configuration.endpoints(reference).last else {
      throw RegistryError.unusable(
        RegistryError.Attempt(method: "PUT", url: reference.description), "no place is configured for it")
    }
    return home
  }

  /// Whether a blob is in a repository, so that it need not be uploaded.
  ///
  /// The answer is the registry's promise, not a proof: some say yes for blobs of other repositories, and refuse the manifest
  /// then (`RegistryError.missingContent`).
  public func exists(_ blob: Descriptor, in reference: Reference) async throws -> Bool {
    let endpoint = try home(of: reference)
    return try await session.retrying(
      "\(blob.digest) in \(reference.name)", attempts: session.configuration.retry.attempts
    ) {
      try await session.has(blob, at: endpoint)
    }
  }

  /// Asks the registry to take a blob over from another of its repositories, without a transfer.
  ///
  /// False when it did not, for whatever reason it had, and when the repositories are not at the same registry. An upload that
  /// it opened instead is used by `upload` when that follows, and may be left alone otherwise.
  public func mount(_ blob: Descriptor, from origin: Reference, to reference: Reference) async throws -> Bool
  {
    let endpoint = try home(of: reference)
    let source = try home(of: origin)
    guard source.identity == endpoint.identity, source.repositoryPath != endpoint.repositoryPath else {
      return false
    }
    let query = "mount=\(blob.digest)&from=\(source.repositoryPath)"
    var request = RegistryRequest(changing: endpoint, .post, "blobs/uploads/?\(query)")
    request.scopes.append("repository:\(source.repositoryPath):pull")
    let mounting = request
    do {
      let answer = try await session.retrying(
        "mount of \(blob.digest) in \(reference.name)", attempts: session.configuration.retry.attempts
      ) {
        try await session.succeed(mounting, payload: NoBody())
      }
      guard answer.response.status != 201 else { return true }
      if let place = try? UploadPlace(answer) { session.memory.keep(place, for: key(blob, endpoint)) }
      return false
    } catch let error as RegistryError where error.root.refusal.map({ $0.status < 500 }) == true {
      // Without the right to read the other repository, or without an idea of mounting.
      return false
    }
  }

  /// Sends a blob, unless that is in vain.
  ///
  /// After a failure that passes it goes on where the registry says it is, or begins again. Whether the blob is there already
  /// is not asked: see `exists`.
  ///
  /// - Parameters:
  ///   - reference: Where the blob belongs; tag and digest do not matter.
  ///   - subject: What the blob is, for people: `layer 3 of 7`.
  /// - Throws: `RegistryError.wrongUpload` when the registry finds another digest, `RegistryError.mismatch` when the source
  ///   ends early, and whatever the source throws.
  public func upload(
    _ blob: Descriptor, from source: some BlobUploadSource, to reference: Reference, subject: String
  ) async throws {
    let endpoint = try home(of: reference)
    guard blob.byteCount >= 0 else {
      throw RegistryError.unusable(
        RegistryError.Attempt(method: "PUT", url: "\(subject) \(blob.digest) of \(reference.name)"),
        "its length is not known")
    }
    var upload = BlobUpload(
      blob, from: source, to: endpoint, at: session.memory.takeUpload(key(blob, endpoint)), subject: subject,
      session: session)
    try await upload.run()
  }

  /// Sends a small blob that is in memory.
  public func upload(
    _ blob: Descriptor, bytes: [UInt8], to reference: Reference, subject: String
  ) async throws {
    try await upload(blob, from: UploadBytes(bytes), to: reference, subject: subject)
  }

  private func key(_ blob: Descriptor, _ endpoint: Endpoint) -> SessionMemory.UploadKey {
    SessionMemory.UploadKey(
      host: endpoint.host, repositoryPath: endpoint.repositoryPath, digest: blob.digest)
  }
}
