public import Hashing
internal import HTTPTransport
public import OCIModel

extension RegistryClient {
  /// What belongs to a manifest: signatures, bills of materials and the like (registry-protocol.md, section 9).
  ///
  /// Asks the registry, and takes the list that clients keep under a tag where it does not know. Empty when there is nothing, as
  /// for a manifest that does not exist.
  ///
  /// - Parameter artifactType: The only type that is wanted; nil for all.
  public func referrers(
    of digest: Digest, in reference: Reference, artifactType: String? = nil
  ) async throws -> ImageIndex {
    var index = try await atEndpoints(of: reference) { endpoint, attempts in
      if let index = try await listed(digest, artifactType, at: endpoint, attempts: attempts) { return index }
      return try await tagged(digest, in: reference, at: endpoint, attempts: attempts)
    }
    // Registries that do not know the filter ignore it.
    if let artifactType { index.manifests.removeAll { $0.artifactType != artifactType } }
    return index
  }

  /// Nil when the registry keeps no lists.
  private func listed(
    _ digest: Digest, _ artifactType: String?, at endpoint: Endpoint, attempts: Int
  ) async throws -> ImageIndex? {
    let query = artifactType.map { "?artifactType=\($0.percentEncoded)" } ?? ""
    var request = RegistryRequest(
      .get, endpoint, "referrers/\(digest)\(query)", headers: ["Accept": MediaType.ociIndex.rawValue])
    var whole: ImageIndex?
    var pages: Set<String> = [request.target]
    while true {
      guard let (index, next) = try await referrersPage(request, of: digest, attempts: attempts) else {
        return nil
      }
      let known = whole?.manifests ?? []
      whole = index
      whole?.manifests = known + index.manifests
      guard known.count + index.manifests.count <= ImageIndex.maximumEntryCount else {
        throw RegistryError.unusable(
          RegistryError.Attempt(method: "GET", url: "referrers of \(digest)"),
          "more than \(ImageIndex.maximumEntryCount) of them")
      }
      guard let next, pages.insert(next).inserted else { return whole }
      request.target = next
    }
  }

  private func referrersPage(
    _ request: RegistryRequest, of digest: Digest, attempts: Int
  ) async throws -> (ImageIndex, next: String?)? {
    do {
      let (body, answer) = try await session.retrying("referrers of \(digest)", attempts: attempts) {
        let buffer = BodyBuffer(limit: ManifestDocument.maximumByteCount)
        let answer = try await session.succeed(request, payload: buffer)
        return (buffer.bytes, answer)
      }
      // A server that answers everything with a page of its own has no idea of referrers.
      guard answer.mediaType == .ociIndex else { return nil }
      return (try ImageIndex.decode(body, contentType: .ociIndex).value, nextPage(answer))
    } catch let error as RegistryError {
      guard let status = error.refusal?.status, [400, 401, 403, 404, 405, 501].contains(status) else {
        throw error
      }
      return nil
    }
  }

  /// The list that clients keep; empty where there is none.
  private func tagged(
    _ digest: Digest, in reference: Reference, at endpoint: Endpoint, attempts: Int
  ) async throws -> ImageIndex {
    let tag = try reference.withTag(ReferrersTag.name(for: digest)).withDigest(nil)
    do {
      let fetched = try await manifest(for: tag, accept: [.ociIndex], at: endpoint, attempts: attempts)
      return try ImageIndex.decode(fetched.bytes, contentType: fetched.mediaType).value
    } catch let error as RegistryError {
      guard case .notFound = error else { throw error }
      return ImageIndex(kind: .oci, manifests: [])
    }
  }
}
