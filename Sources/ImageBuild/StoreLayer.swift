public import ArchiveIO
import SystemPackage

/// A layer of store paths, with the bytes that nixpkgs' stream script gives it (nix-dockertools.md, section 2.5).
///
/// Members are `/nix/`, `/nix/store/`, and then each path with everything below it; owner and time are the same for all.
public struct StoreLayer: TarRecipe, Hashable {
  /// The store's directory as the image knows it: `/nix/store`.
  public let storeDirectory: String
  /// The store paths, in order.
  public let paths: [String]
  /// Whose everything is.
  public var owner: TarOwner
  /// When everything was changed, in seconds since 1970.
  public var modificationTime: Int64
  /// What is put before a store path to find it on this machine: empty, or the directory of a private store.
  public var root: String

  /// The tar dialect.
  public var dialect: TarDialect { .python }

  /// A layer of `paths`.
  ///
  /// - Throws: `LayeredImageError.outsideStore` for a path that is not in the store.
  public init(
    paths: [String], storeDirectory: String, owner: TarOwner, modificationTime: Int64, root: String = ""
  ) throws(LayeredImageError) {
    for path in paths where !path.hasPrefix(storeDirectory + "/") {
      throw .outsideStore(path: path, storeDirectory: storeDirectory)
    }
    self.paths = paths
    self.storeDirectory = storeDirectory
    self.owner = owner
    self.modificationTime = modificationTime
    self.root = root
  }

  /// The members, from the first one on.
  public func members() -> any TarMembers { Members(self) }

  private final class Members: TarMembers {
    private let layer: StoreLayer
    private var directories: [String]
    private var paths: ArraySlice<String>
    private var current: (prefix: [UInt8], walk: TreeWalk)?

    init(_ layer: StoreLayer) {
      self.layer = layer
      paths = layer.paths[...]
      let names = layer.storeDirectory.split(separator: "/")
      directories = names.indices.map { "/" + names[...$0].joined(separator: "/") }
    }

    func next() throws -> TarInput? {
      if !directories.isEmpty {
        let name = Array(directories.removeFirst().utf8)
        return TarInput(header: directory(name))
      }
      while true {
        if let (prefix, walk) = current, let entry = try walk.next() {
          return try input(entry, below: prefix)
        }
        guard let path = paths.popFirst() else { return nil }
        current = (Array(path.utf8), try TreeWalk(FilePath(layer.root + path), order: .python))
      }
    }

    private func input(_ entry: TreeWalk.Entry, below prefix: [UInt8]) throws -> TarInput {
      try entry.input(named: entry.path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + entry.path) {
        $0.owner = layer.owner
        $0.modificationTime = layer.modificationTime
      }
    }

    private func directory(_ name: [UInt8]) -> TarHeader {
      var header = TarHeader(name: name + [UInt8(ascii: "/")], type: .directory, mode: 0o755)
      header.owner = layer.owner
      header.modificationTime = layer.modificationTime
      return header
    }
  }
}

extension StoreLayer {
  /// Changes when the way a layer is made changes, so that older digests are not believed.
  private static let version = 1

  /// A text that is the same only for the same bytes.
  ///
  /// Nothing in a store changes, but a path may be removed and built again with other bytes; then it is another file, or at least one
  /// that was changed at another time.
  public func fingerprint() throws -> String? {
    var lines = ["store layer \(Self.version)", storeDirectory, "\(modificationTime)"]
    lines.append("\(owner.uid) \(owner.gid) \(owner.userName) \(owner.groupName)")
    for path in paths {
      let walk = try TreeWalk(FilePath(root + path), order: .python)
      guard let status = try walk.next()?.status else { return nil }
      lines.append("\(path) \(status.identity.device) \(status.identity.inode) \(status.changeTime)")
    }
    return lines.joined(separator: "\n")
  }
}
