import Hashing
import OCIModel
import OrderedJSON

extension ServedImages {
  /// The answer to a request; a HEAD gets the same, and the body stays away.
  func answer(method: String, target: String, range: String?) -> Answer {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard method == "GET" || method == "HEAD" else {
      var answer = Answer.error(405, "UNSUPPORTED", "this registry is read-only")
      answer.fields.append(("Allow", "GET, HEAD"))
      return answer
    }
    guard let resource = RegistryResource(path: parts.first ?? "") else {
      return .error(404, "NOT_FOUND", "this registry has only /v2/")
    }
    let query = parts.count > 1 ? String(parts[1]) : ""
    switch resource {
    case .version: return Answer(JSONObject())
    case .catalog: return list(tags.keys.sorted(), as: "repositories", at: "/v2/_catalog", query)
    case .tags(let name), .manifest(let name, _), .blob(let name, _), .referrers(let name, _):
      guard tags[name] != nil else {
        return .error(404, "NAME_UNKNOWN", "there is no repository of that name")
      }
    }
    switch resource {
    case .manifest(let name, let reference): return manifest(reference, in: name)
    case .blob(_, let digest): return blob(digest, range)
    case .referrers(_, let digest): return referrers(of: digest, query)
    case .tags(let name):
      let names = tags[name].map { $0.keys.sorted() } ?? []
      return list(names, as: "tags", of: name, at: "/v2/\(name)/tags/list", query)
    case .version, .catalog: preconditionFailure("answered above")
    }
  }

  private func manifest(_ reference: String, in repository: String) -> Answer {
    guard let digest = (try? Digest(parsing: reference)) ?? tags[repository]?[reference],
      let document = documents[digest]
    else { return .error(404, "MANIFEST_UNKNOWN", "there is no manifest of that tag or digest") }
    var answer = Answer(.bytes(document.bytes), type: document.mediaType.rawValue)
    answer.fields.append(("Docker-Content-Digest", document.digest.description))
    answer.fields.append(("ETag", "\"\(document.digest)\""))
    return answer
  }

  private func blob(_ text: String, _ field: String?) -> Answer {
    guard let digest = try? Digest(parsing: text), let blob = blobs[digest] else {
      return .error(404, "BLOB_UNKNOWN", "there is no blob of that digest")
    }
    let byteCount = max(0, blob.descriptor.byteCount)
    let range = RequestedRange(field, of: byteCount)
    var fields = [
      ("Accept-Ranges", "bytes"), ("Docker-Content-Digest", digest.description), ("ETag", "\"\(digest)\""),
    ]
    let part: Range<Int64>
    var status = 200
    switch range {
    case .unsatisfiable:
      var answer = Answer.error(416, "RANGE_INVALID", "the blob has \(byteCount) bytes")
      answer.fields.append(("Content-Range", "bytes */\(byteCount)"))
      return answer
    case .everything: part = 0..<byteCount
    case .part(let range):
      part = range
      status = 206
      fields.append(("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(byteCount)"))
    }
    var answer = Answer(.blob(blob, part), type: "application/octet-stream")
    answer.status = status
    answer.fields += fields
    return answer
  }

  private func referrers(of text: String, _ query: String) -> Answer {
    guard let digest = try? Digest(parsing: text) else {
      return .error(400, "DIGEST_INVALID", "that is no digest")
    }
    var found = referrers[digest] ?? []
    let type = RegistryResource.parameter("artifactType", of: query)
    if let type { found.removeAll { $0.artifactType != type } }
    let index = ImageIndex(kind: .oci, manifests: found).encoded()
    var answer = Answer(.bytes(index.bytes), type: MediaType.ociIndex.rawValue)
    if type != nil { answer.fields.append(("OCI-Filters-Applied", "artifactType")) }
    return answer
  }

  /// A page of sorted names, as `n` and `last` ask for (distribution-spec, "Listing Tags").
  private func list(
    _ names: [String], as member: String, of repository: String? = nil, at path: String, _ query: String
  ) -> Answer {
    var page = names[...]
    if let last = RegistryResource.parameter("last", of: query) { page = page.drop { $0 <= last } }
    let count = RegistryResource.parameter("n", of: query).flatMap { Int($0) }.map { max(0, $0) }
    let shown = count.map { page.prefix($0) } ?? page
    var object = JSONObject()
    if let repository { object["name"] = .string(repository) }
    object[member] = .array(shown.map { .string($0) })
    var answer = Answer(object)
    if let count, let last = shown.last, shown.count < page.count {
      answer.fields.append(("Link", "<\(path)?n=\(count)&last=\(last)>; rel=\"next\""))
    }
    return answer
  }
}
