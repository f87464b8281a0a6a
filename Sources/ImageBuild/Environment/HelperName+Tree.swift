public import NixStore

extension HelperName.Package {
  /// What a helper leads to in the package.
  var innerPath: String {
    switch self {
    case .coreutils: "bin/env"
    case .bash: "bin/bash"
    case .cacert: "etc/ssl/certs/ca-bundle.crt"
    }
  }

  /// What a helper leads to when people give this path: the file in it for a package in the store, otherwise the path itself.
  public func target(
    at path: String, storeDirectory: String = StorePath.defaultStoreDirectory
  ) -> String {
    Self.isPackage(path, storeDirectory: storeDirectory) ? "\(path)/\(innerPath)" : path
  }

  /// Whether the path is that of something in the store, and not of a file inside of it.
  public static func isPackage(
    _ path: String, storeDirectory: String = StorePath.defaultStoreDirectory
  ) -> Bool { (try? StorePath(parsing: path, storeDirectory: storeDirectory)) != nil }
}

extension HelperName {
  /// The helper's tree.
  ///
  /// - Parameters:
  ///   - path: the package or file that it leads to, if it needs one.
  ///   - read: reads a file of this machine: certificates outside of the store are copied.
  /// - Throws: `HelperError`, and what `read` throws.
  public func tree(
    path: String?, storeDirectory: String = StorePath.defaultStoreDirectory,
    read: (String) throws -> [UInt8]
  ) throws -> HelperTree {
    guard let package else { return try HelperTree.fakeNss() }
    guard let path else { throw HelperError.missing(self, package) }
    let target = package.target(at: path, storeDirectory: storeDirectory)
    switch self {
    case .usrBinEnv: return try .usrBinEnv(target: target)
    case .binSh: return try .binSh(target: target)
    case .shadowSetup: return try .shadowSetup(shell: target)
    case .caCertificates where !path.hasPrefix(storeDirectory + "/"):
      return try .caCertificates(.bundle(read(path)))
    case .caCertificates: return try .caCertificates(.link(target))
    case .fakeNss: return try .fakeNss()
    }
  }
}

extension HelperName {
  /// The helper of that name.
  ///
  /// - Throws: `HelperError`, which names the nearest one.
  public init(checking text: String) throws(HelperError) {
    guard let name = HelperName(rawValue: text) else {
      let nearest = NearestName.find(text, among: Self.allCases.map(\.rawValue))
      throw .unknown(text, nearest: nearest.flatMap { HelperName(rawValue: $0) })
    }
    self = name
  }
}
