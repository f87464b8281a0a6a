public import Hashing

extension ImageIndex {
  /// The entry to take for a machine, by the rules of containers/image 5.x as skopeo 1.9 has them.
  ///
  /// Tarballs pinned by hash depend on the choice: docker-archive-bytes.md, "Choosing from an index".
  /// Operating system and processor must be equal, variants are tried in the request's order, and of equal
  /// entries the first is taken; versions and features do not count. An entry without platform is the last
  /// resort, in an OCI index only. Attestations are never taken.
  public func select(_ request: PlatformRequest) throws(SelectionError) -> Descriptor {
    let images = manifests.filter { !$0.isAttestation }
    let chosen =
      request.acceptableVariants.lazy.compactMap { variant in
        images.first { $0.platform?.isFor(request, variant: variant) == true }
      }.first ?? (kind == .oci ? images.first { $0.platform == nil } : nil)
    guard let chosen else { throw .noMatch(request, available: Self.platforms(of: images)) }
    if chosen.mediaType.isIndex { throw .nestedIndex(request, chosen.digest) }
    return chosen
  }

  /// Each platform once, in the order of the entries.
  private static func platforms(of images: [Descriptor]) -> [Platform] {
    var seen: Set<Platform> = []
    return images.compactMap(\.platform).filter { seen.insert($0).inserted }
  }
}

extension Platform {
  fileprivate func isFor(_ request: PlatformRequest, variant: String?) -> Bool {
    os == request.os && architecture == request.architecture && self.variant == variant
  }
}

/// Why no entry of an index can be taken.
public enum SelectionError: Error, Hashable, CustomStringConvertible {
  /// No entry is for the machine; these are there.
  case noMatch(PlatformRequest, available: [Platform])
  /// The entry for the machine is an index again.
  case nestedIndex(PlatformRequest, Digest)

  /// One line for people.
  public var description: String {
    switch self {
    case .noMatch(let request, let available) where available.isEmpty:
      "the index has no image for \(request), and names no other platform"
    case .noMatch(let request, let available):
      "the index has no image for \(request); it has \(Self.list(available))"
    case .nestedIndex(let request, let digest):
      "the entry for \(request), \(digest), is an index inside an index; name it by its digest instead"
    }
  }

  private static func list(_ platforms: [Platform]) -> String {
    platforms.map { $0.description + ($0.osVersion.map { " (\($0))" } ?? "") }.joined(separator: ", ")
  }
}
