import ArchiveIO
public import ImageArchive
import SystemPackage

/// Store paths as `buildImage` puts them behind the contents of its layer (nix-dockertools.md, section 5.5, steps 3 to 6).
///
/// Files that the base image has are left out, one by one, and so are those that the contents have brought already.
public struct StoreFiles: Sendable {
  /// The store's directory as the image knows it: `/nix/store`.
  public let storeDirectory: String
  /// The store paths.
  public let paths: [String]
  /// What is put before a store path to find it on this machine.
  private let root: String
  private let base: FileSystemView
  private let contains: @Sendable ([UInt8]) -> Bool

  /// What `paths` have and neither `base` nor the contents; `contains` says of a path without slash in front whether those have it.
  public init(
    _ paths: [String], storeDirectory: String, root: String, base: FileSystemView,
    contents contains: @escaping @Sendable ([UInt8]) -> Bool
  ) {
    self.paths = paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    self.storeDirectory = storeDirectory
    self.root = root
    self.base = base
    self.contains = contains
  }

  private func isKnown(_ path: [UInt8]) throws -> Bool {
    if contains(path) { return true }
    return try base.entry(at: FileSystemPath(path)) != nil
  }

  func members() -> any TarMembers { Members(self) }

  private final class Members: TarMembers {
    private let files: StoreFiles
    /// The store's directory and those above it, without slash in front.
    private var directories: ArraySlice<String>
    private var paths: ArraySlice<String>
    private var current: (prefix: [UInt8], walk: TreeWalk)?

    init(_ files: StoreFiles) {
      self.files = files
      let names = files.storeDirectory.split(separator: "/")
      directories = files.paths.isEmpty ? [] : names.indices.map { names[...$0].joined(separator: "/") }[...]
      paths = files.paths[...]
    }

    func next() throws -> TarInput? {
      while let directory = directories.popFirst() {
        // When the store is there, so are the directories above it.
        if try files.isKnown(Array(files.storeDirectory.utf8.dropFirst())) { break }
        // Contents with a directory of that name, as a Nix database has it: Docker refuses a layer that names one twice.
        if files.contains(Array(directory.utf8)) { continue }
        return TarInput(header: header(of: directory))
      }
      directories = []
      while true {
        if let (prefix, walk) = current {
          while let entry = try walk.next() {
            let name = entry.path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + entry.path
            if try !files.isKnown(name) { return try entry.input(named: name, Self.pack) }
          }
        }
        guard let path = paths.popFirst() else { return nil }
        current = (Array(path.utf8.dropFirst()), try TreeWalk(FilePath(files.root + path), order: .paths))
      }
    }

    private func header(of directory: String) -> TarHeader {
      var header = TarHeader(name: "./\(directory)/", type: .directory, mode: 0o555)
      Self.pack(&header)
      return header
    }

    private static func pack(_ header: inout TarHeader) {
      header.owner = TarOwner(userName: "root", groupName: "root")
      header.modificationTime = TreePacking.time
    }
  }
}
