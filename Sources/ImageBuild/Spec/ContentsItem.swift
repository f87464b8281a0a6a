public import SystemPackage

/// One element of `contents`.
public enum ContentsItem: Sendable, Hashable {
  /// A store path or a plain directory, made absolute if the spec's directory is.
  case path(FilePath)
  /// An environment helper (nix-dockertools.md, section 11); the package or file that it leads to, when the spec names one.
  case helper(HelperName, FilePath?)

  private static let prefix = "helper:"

  /// Reads `helper:NAME`, `helper:NAME=PATH`, or a path; relative ones begin at `directory`.
  init(parsing text: String, directory: FilePath) throws(SpecText.Refusal) {
    guard text.hasPrefix(Self.prefix) else {
      guard !text.isEmpty, !text.utf8.contains(0) else {
        throw SpecText.Refusal(expected: Self.expectation, suggestion: nil)
      }
      self = .path(directory.pushing(FilePath(text)))
      return
    }
    let parts = text.dropFirst(Self.prefix.count).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let written = String(parts.first ?? "")
    guard let name = HelperName(rawValue: written) else {
      let nearest = NearestName.find(written, among: HelperName.allCases.map(\.rawValue))
      throw SpecText.Refusal(expected: Self.expectation, suggestion: nearest.map { Self.prefix + $0 })
    }
    guard parts.count == 2 else { self = .helper(name, nil); return }
    let path = String(parts[1])
    guard name.package != nil, path.hasPrefix("/"), !path.utf8.contains(0) else {
      let form = name.package.map { "\(Self.prefix)\(name.rawValue)=/PATH with the path of \($0.rawValue)" }
      throw SpecText.Refusal(
        expected: form ?? "\(Self.prefix)\(name.rawValue) without a path", suggestion: nil)
    }
    self = .helper(name, FilePath(path))
  }

  static let expectation =
    "a path, or \(prefix)NAME with one of \(HelperName.allCases.map(\.rawValue).joined(separator: ", "))"

  /// The rule that the spec's table has.
  static let rule: SpecText = {
    let withPath = HelperName.allCases.filter { $0.package != nil }.map(\.rawValue).joined(separator: "|")
    let without = HelperName.allCases.map(\.rawValue).joined(separator: "|")
    let pattern =
      "\(prefix)(?:\(without))|\(prefix)(?:\(withPath))=/[^\\u0000]*|(?!\(prefix))[^\\u0000]+"
    return SpecText(expectation, pattern: pattern) { (text) throws(SpecText.Refusal) in
      _ = try ContentsItem(parsing: text, directory: "/")
    }
  }()
}
