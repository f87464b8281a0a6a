public import SystemPackage

extension StorePath {
  /// Reads the path of something in any store: what comes before the last part is the store's directory.
  public init(inAnyStore path: String) throws(StorePathError) {
    guard path.utf8.first == UInt8(ascii: "/"),
      let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.utf8.startIndex
    else { throw .notAbsolute(path) }
    try self.init(parsing: path, storeDirectory: String(path[..<slash]))
  }

  /// Takes the path of something in a store, or of a file inside of it, apart.
  ///
  /// - Returns: `member` is relative to the store path, and empty for the store path itself. Nothing is looked
  ///   up and no `..` is resolved: a member with one is refused.
  public static func locate(
    _ path: String, storeDirectory: String = defaultStoreDirectory
  ) throws(StorePathError) -> (storePath: StorePath, member: String) {
    guard path.utf8.starts(with: "\(storeDirectory)/".utf8) else { throw .outside(path, storeDirectory) }
    let rest = path.utf8.dropFirst(storeDirectory.utf8.count + 1)
    let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    let parts = path[end...].split(separator: "/")
    guard !parts.contains("..") else { throw .outside(path, storeDirectory) }
    let storePath = try StorePath(parsing: String(path[..<end]), storeDirectory: storeDirectory)
    return (storePath, parts.filter { $0 != "." }.joined(separator: "/"))
  }

  /// Where the files are when the store's directory is below `root`, as in private stores (`NIX_REMOTE=DIR`).
  public func location(below root: FilePath = "/") -> FilePath {
    FilePath(root == "/" ? description : root.string + description)
  }

  /// Orders by name, and equal names by what comes before them; both as bytes.
  public static func isOrderedByName(_ left: StorePath, _ right: StorePath) -> Bool {
    if left.name != right.name { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
    return left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }
}

extension StorePath: Comparable {
  /// Orders by the bytes of the whole paths.
  public static func < (left: StorePath, right: StorePath) -> Bool {
    if left.storeDirectory == right.storeDirectory {
      return left.baseName.utf8.lexicographicallyPrecedes(right.baseName.utf8)
    }
    return left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }
}
