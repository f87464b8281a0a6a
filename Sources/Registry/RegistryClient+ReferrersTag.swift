public import Hashing
internal import HTTPTransport
public import OCIModel

extension RegistryClient {
  /// Enters a manifest in the list of what belongs to its subject, under the fallback tag.
  ///
  /// To be called after a `put` whose receipt names no subject; does nothing for a manifest without one. Other clients may change
  /// the list at the same time: where the registry cannot tell, one of the entries may be lost.
  public func addReferrer(_ document: ManifestDocument, in reference: Reference) async throws {
    guard let subject = document.subject else { return }
    let entry = document.referrerDescriptor
    try await changeReferrers(of: subject.digest, in: reference) { index in
      guard !index.manifests.contains(where: { $0.digest == entry.digest }) else { return false }
      index.manifests.append(entry)
      return true
    }
  }

  /// Takes a manifest out of the list of what belongs to its subject, after it was deleted.
  ///
  /// A list that becomes empty is kept.
  public func removeReferrer(
    _ digest: Digest, of subject: Digest, in reference: Reference
  ) async throws {
    try await changeReferrers(of: subject, in: reference) { index in
      let count = index.manifests.count
      index.manifests.removeAll { $0.digest == digest }
      return index.manifests.count != count
    }
  }

  /// How often a list is read again because somebody else changed it.
  private static let maximumConflicts = 5

  /// Changes a list; `change` says whether there is something to be written.
  private func changeReferrers(
    of subject: Digest, in reference: Reference,
    _ change: @escaping @Sendable (inout ImageIndex) -> Bool
  ) async throws {
    let endpoint = try home(of: reference)
    let tag = try reference.withTag(ReferrersTag.name(for: subject)).withDigest(nil)
    try await session.lists.serially("\(endpoint.host)/\(endpoint.repositoryPath):\(subject)") {
      var conflicts = 0
      while true {
        var (index, condition) = try await self.list(tag, at: endpoint)
        guard change(&index) else { return }
        do {
          _ = try await self.put(
            index.encoded().bytes, .ociIndex, at: tag, to: endpoint, headers: condition)
          return
        } catch let error as RegistryError where error.refusal?.status == 412 {
          conflicts += 1
          guard conflicts < Self.maximumConflicts else { throw error }
        }
      }
    }
  }

  /// The list as it is now, and the header field that makes sure of that when it is written.
  private func list(_ tag: Reference, at endpoint: Endpoint) async throws -> (ImageIndex, HTTPHeaders) {
    let request = RegistryRequest(
      changing: endpoint, .get, tag.manifestTarget, headers: ["Accept": MediaType.ociIndex.rawValue])
    do {
      let (body, answer) = try await session.retrying(
        "referrers at \(tag)", attempts: session.configuration.retry.attempts
      ) {
        let buffer = BodyBuffer(limit: ManifestDocument.maximumByteCount)
        let answer = try await session.succeed(request, payload: buffer)
        return (buffer.bytes, answer)
      }
      let condition = answer.response.headers.first("etag").map { ["If-Match": $0] as HTTPHeaders }
      return (try ImageIndex.decode(body, contentType: answer.mediaType).value, condition ?? [:])
    } catch let error as RegistryError {
      guard case .notFound = error else { throw error }
      return (ImageIndex(kind: .oci, manifests: []), [:])
    }
  }
}
