internal import HTTPTransport

/// An upload that a registry has opened, and where it goes on (registry-protocol.md, section 7).
struct UploadPlace: Sendable {
  /// Where the next request is to go.
  ///
  /// Each answer may change it; the old one is dead then.
  private(set) var url: HTTPURL
  /// The shortest chunk that the registry takes, the last one excepted, in bytes.
  let minimumChunkByteCount: Int64

  /// The place that an answer tells.
  init(_ answer: Answer) throws {
    let field = answer.response.headers.first("oci-chunk-min-length")
    minimumChunkByteCount = max(0, field.flatMap { Int64($0.trimmingSpaces) } ?? 0)
    guard let url = try Self.location(answer) else {
      throw RegistryError.unusable(answer.attempt, "opens an upload but does not say where (no Location)")
    }
    self.url = url
  }

  /// Takes over what a later answer tells.
  mutating func update(_ answer: Answer) throws {
    if let next = try Self.location(answer) { url = next }
  }

  private static func location(_ answer: Answer) throws -> HTTPURL? {
    guard let text = answer.response.headers.first("location") else { return nil }
    do {
      return try answer.url.resolving(text)
    } catch {
      throw RegistryError.unusable(answer.attempt, "names a place for the upload that is no URL: \(error)")
    }
  }
}

/// How much of an upload a registry has, from its `Range: 0-END`.
enum UploadRange {
  /// The number of bytes; nil where it is not said, or not from the first byte on.
  ///
  /// `0-0` may mean none as well as one (registry-protocol.md, section 7): it counts as none.
  static func byteCount(_ answer: Answer) -> Int64? {
    guard var field = answer.response.headers.first("range")?.trimmingSpaces[...] else { return nil }
    if field.hasPrefix("bytes=") { field = field.dropFirst(6) }
    let ends = field.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, ends[0] == "0", let last = Int64(ends[1]), (0..<Int64.max).contains(last) else {
      return nil
    }
    return last == 0 ? 0 : last + 1
  }
}
