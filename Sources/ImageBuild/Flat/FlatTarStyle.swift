/// How the file system of an image becomes one tar.
public struct FlatTarStyle: Sendable, Hashable {
  /// Whether files keep their times; otherwise all are of 1980, as nixpkgs packs them.
  public var keepsTimes: Bool
  /// Whether further names of a file are hard links; otherwise each is a file of its own.
  public var keepsHardLinks: Bool

  /// A style.
  public init(keepsTimes: Bool, keepsHardLinks: Bool) {
    self.keepsTimes = keepsTimes
    self.keepsHardLinks = keepsHardLinks
  }

  /// As nixpkgs' `exportImage` (nix-dockertools.md, section 8): `tar --hard-dereference --sort=name --mtime=@315532800`.
  public static let export = FlatTarStyle(keepsTimes: false, keepsHardLinks: false)
  /// As a layer that replaces all others, with everything that they say of files.
  public static let layer = FlatTarStyle(keepsTimes: true, keepsHardLinks: true)
}
