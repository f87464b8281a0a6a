internal import Hashing

/// The tag under which clients keep the list of what belongs to a manifest, where the registry does not
/// (distribution-spec, "Referrers Tag Schema").
enum ReferrersTag {
  /// `sha256-` and the digest: algorithm and digits cut to 32 and 64 characters, others than a tag may have replaced.
  static func name(for digest: Digest) -> String {
    let parts = "\(digest)".split(separator: ":", maxSplits: 1)
    let (algorithm, digits) = (parts.first ?? "", parts.dropFirst().first ?? "")
    return cleaned(algorithm.prefix(32)) + "-" + cleaned(digits.prefix(64))
  }

  private static func cleaned(_ text: Substring) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
  }
}
