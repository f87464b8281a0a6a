/// The files of an environment helper (nix-dockertools.md, section 11).
public struct HelperTree: Sendable, Hashable {
  /// What an entry is.
  public enum Content: Sendable, Hashable {
    /// A directory with mode 0755.
    case directory
    /// A file.
    case file([UInt8], mode: UInt16)
    /// A symbolic link.
    case link(String)
  }

  /// One file, directory or link.
  public struct Entry: Sendable, Hashable {
    /// Without a slash in front: `etc/passwd`.
    public let path: String
    /// What it is.
    public let content: Content
  }

  /// Where the certificates come from.
  public enum Certificates: Sendable, Hashable {
    /// A file that is in the image already.
    case link(String)
    /// The bytes of a bundle.
    case bundle([UInt8])
  }

  /// Everything in the tree, sorted by path; directories come before what is in them.
  public let entries: [Entry]

  /// The given entries and the directories above them.
  init(_ leaves: [(path: String, content: Content)]) {
    var contents: [String: Content] = [:]
    for leaf in leaves {
      var parent = leaf.path[...]
      while let slash = parent.lastIndex(of: "/") {
        parent = parent[..<slash]
        contents[String(parent)] = .directory
      }
      contents[leaf.path] = leaf.content
    }
    entries = contents.map { Entry(path: $0, content: $1) }
      .sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// `/usr/bin/env` as a link to that program.
  public static func usrBinEnv(target: String) throws(HelperError) -> HelperTree {
    try checked(target, for: .usrBinEnv, at: ["usr/bin/env"])
    return HelperTree([("usr/bin/env", .link(target))])
  }

  /// `/bin/sh` as a link to that program.
  public static func binSh(target: String) throws(HelperError) -> HelperTree {
    try checked(target, for: .binSh, at: ["bin/sh"])
    return HelperTree([("bin/sh", .link(target))])
  }

  private static let bundlePaths = [
    "etc/ssl/certs/ca-bundle.crt", "etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
  ]

  /// The certificates under the three names that programs look for.
  ///
  /// The bytes of a bundle are in the first, and the others are links to it.
  public static func caCertificates(_ certificates: Certificates) throws(HelperError) -> HelperTree {
    switch certificates {
    case .link(let target):
      try checked(target, for: .caCertificates, at: bundlePaths)
      return HelperTree(bundlePaths.map { ($0, .link(target)) })
    case .bundle(let bytes):
      return HelperTree(
        [(bundlePaths[0], .file(bytes, mode: 0o644))]
          + bundlePaths.dropFirst().map { ($0, .link("/" + bundlePaths[0])) })
    }
  }

  /// Users and groups root and nobody, with more lines between them.
  ///
  /// The lines are without line breaks.
  public static func fakeNss(
    extraPasswdLines: [String] = [], extraGroupLines: [String] = []
  ) throws(HelperError) -> HelperTree {
    let passwd =
      ["root:x:0:0:root user:/var/empty:/bin/sh"] + extraPasswdLines
      + ["nobody:x:65534:65534:nobody:/var/empty:/bin/sh"]
    let group = ["root:x:0:"] + extraGroupLines + ["nobody:x:65534:"]
    for line in extraPasswdLines + extraGroupLines where line.utf8.contains(where: { $0 == 10 || $0 == 0 }) {
      throw .lineBreak(line)
    }
    return HelperTree([
      ("etc/passwd", file(passwd)), ("etc/group", file(group)),
      ("etc/nsswitch.conf", file(["hosts: files dns"])), ("var/empty", .directory),
    ])
  }

  /// A file of these lines.
  static func file(_ lines: [String], mode: UInt16 = 0o644) -> Content {
    .file(lines.flatMap { Array($0.utf8) + [10] }, mode: mode)
  }

  /// Refuses what no link can lead to.
  static func checked(
    _ target: String, for name: HelperName, at paths: [String] = []
  ) throws(HelperError) {
    guard target.hasPrefix("/"), !target.utf8.contains(where: { $0 == 10 || $0 == 0 }) else {
      throw .notAbsolute(name, target)
    }
    if paths.contains(where: { "/" + $0 == target }) { throw .leadsToItself(name, target) }
  }
}

/// Why a helper cannot be made.
public enum HelperError: Error, Hashable, CustomStringConvertible {
  /// There is none of that name.
  case unknown(String, nearest: HelperName?)
  /// The place of a package that the helper leads to is not known.
  case missing(HelperName, HelperName.Package)
  /// A link in an image has to be absolute.
  case notAbsolute(HelperName, String)
  /// The link would be the file that it leads to.
  case leadsToItself(HelperName, String)
  /// An extra line is more than one.
  case lineBreak(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .unknown(let name, let nearest):
      "there is no helper “\(name)”; "
        + (nearest.map { "did you mean “\($0)”?" }
          ?? "there are \(HelperName.allCases.map(\.rawValue).joined(separator: ", "))")
    case .missing(let name, let package):
      "the helper \(name) leads to \(package), whose path is not given; use --\(package) PATH, or helper:\(name)=PATH in a spec"
    case .notAbsolute(let name, let target):
      "the helper \(name) leads to a path in the image, and “\(target)” is not absolute"
    case .leadsToItself(let name, let target):
      "the helper \(name) would be a link from \(target) to itself; give the path of the real file"
    case .lineBreak(let line):
      "an extra line of fakeNss has a line break in it: \(line.prefix { $0 != "\n" })…"
    }
  }
}
