import Glibc
public import SystemPackage

/// Removing things one name at a time, so that no link is followed and names may be any bytes.
extension OpenDirectory {
  /// Removes a file, or a directory with everything in it, as far as that is possible.
  public static func removeTree(_ path: FilePath) {
    guard let name = path.lastComponent else { return }
    let parent = path.removingLastComponent()
    let directory = try? OpenDirectory(parent.isEmpty ? "." : parent)
    directory?.removeTree(FilePath(root: nil, components: name).platformBytes)
  }

  /// Removes a file, or a directory with everything in it, as far as that is possible.
  public func removeTree(_ name: [UInt8]) {
    if (withName(name) { unlinkat($0, $1, 0) }) == 0 { return }
    guard let status = try? status(of: name), status.type == .directory else { return }
    // What a script left without permissions is ours all the same.
    if status.mode & 0o700 != 0o700 { try? setMode(status.mode | 0o700, of: name) }
    if let inner = try? directory(name) {
      for name in (try? inner.names()) ?? [] { inner.removeTree(name) }
    }
    _ = withName(name) { unlinkat($0, $1, AT_REMOVEDIR) }
  }
}
