internal import HTTPTransport
public import OCIModel
internal import OrderedJSON

extension RegistryClient {
  /// ECR's limit, and more than any other registry sends unasked.
  private static let pageLength = 1000
  /// The longest page that is read, in bytes.
  private static let pageLimit = 16 << 20
  /// The most pages that are read.
  private static let maximumPages = 10_000

  /// The names of all tags, in the registry's order, each once.
  ///
  /// Empty for a repository without tags.
  public func tags(of reference: Reference) async throws -> [String] {
    try await atEndpoints(of: reference) { endpoint, attempts in
      let request = RegistryRequest(.get, endpoint, "tags/list?n=\(Self.pageLength)")
      return try await names("tags", request, subject: "tags of \(reference.name)", attempts: attempts)
    }
  }

  /// The names of all repositories of a registry that the user may see, in the registry's order, each once.
  ///
  /// Not a part of the OCI specification: Docker Hub, ghcr.io and quay.io do not answer.
  public func catalog(of registry: Endpoint) async throws -> [String] {
    let request = RegistryRequest(
      base: registry, "_catalog?n=\(Self.pageLength)", scopes: ["registry:catalog:*"])
    return try await names(
      "repositories", request, subject: "repositories of \(registry.host)",
      attempts: session.configuration.retry.attempts)
  }

  /// The names in a member of all pages of a list.
  private func names(
    _ member: String, _ request: RegistryRequest, subject: String, attempts: Int
  ) async throws -> [String] {
    var request = request
    var (all, seen, pages): ([String], Set<String>, Set<String>) = ([], [], [request.target])
    while true {
      let (names, next) = try await page(member, request, subject: subject, attempts: attempts)
      all += names.filter { seen.insert($0).inserted }
      // A registry that sends us round in a circle has said everything.
      guard let next, pages.insert(next).inserted, pages.count <= Self.maximumPages else { return all }
      request.target = next
    }
  }

  private func page(
    _ member: String, _ request: RegistryRequest, subject: String, attempts: Int
  ) async throws -> (names: [String], next: String?) {
    let (body, answer) = try await session.retrying(subject, attempts: attempts) {
      let buffer = BodyBuffer(limit: Self.pageLimit)
      let answer = try await session.succeed(request, payload: buffer)
      return (buffer.bytes, answer)
    }
    guard let document = try? JSONValue(parsing: body), let object = document.object else {
      throw RegistryError.unusable(answer.attempt, "answers with something else than a JSON object")
    }
    // `null` when the last tag went (docker-registry); nulls (Nexus) and digests (Artifactory) between the names.
    let names = (object[member]?.array ?? []).compactMap(\.string).filter { !$0.contains(":") && !$0.isEmpty }
    return (names, nextPage(answer))
  }

  /// Path and query of the next page, when it is at the same place.
  func nextPage(_ answer: Answer) -> String? {
    for field in answer.response.headers.all("link") {
      guard let link = LinkField.next(in: field), let url = try? answer.url.resolving(link) else { continue }
      if url.hasSameOrigin(as: answer.url) { return url.target }
    }
    return nil
  }
}
