import ArchiveIO
import Glibc
public import SystemPackage

/// A Linux kernel for the virtual machine, with the modules that the guest program loads (vm-executor.md, section 3.1).
public struct KernelFiles: Sendable {
  /// What the guest uses, as modules or built in, in the order of its use.
  public static let wantedModules = [
    "virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", "overlay", "erofs", "pvpanic_pci",
  ]
  /// Those that a kernel may lack: from 6.14 on checksums are in its library, and a panic is only told more exactly with the other.
  static let optionalModules: Set = ["crc32c_generic", "pvpanic_pci"]

  /// The image, which QEMU starts.
  public let image: FilePath
  /// Its release, as `uname -r` says there: `6.1.0-56-cloud-amd64`; empty when neither a name nor a directory tells it.
  public let release: String
  /// The modules in the order in which they must be loaded; what is built in is not among them.
  public let modules: [KernelModule]

  /// The version by the release; nil when that does not begin with numbers.
  public var version: ReleaseVersion? { ReleaseVersion(parsing: release) }

  /// Finds a kernel: the one that is `named`, and no other then; otherwise in the user's cache directory, where `tools/vm-kernel` puts it, and then among
  /// those that are installed in `root`.
  ///
  /// In each place it is the newest up to 6.1, which every QEMU can emulate, or else the newest. Kernels that only root may read are passed over.
  ///
  /// - Parameters:
  ///   - named: the value of an option or of `COOPER_KERNEL`: an image, or a directory with one.
  ///   - cache: Cooper's directory in the user's cache.
  ///   - root: where `boot` and `lib/modules` are.
  /// - Throws: `KernelError`; `FileError` for what cannot be read.
  public init(named: FilePath?, cache: FilePath?, root: FilePath = "/") throws {
    try self.init(Self.find(named: named, cache: cache, root: root))
  }

  /// The image alone, as the initialiser finds it: modules are not looked at, which takes far less time.
  ///
  /// - Throws: `KernelError`.
  public static func image(named: FilePath?, cache: FilePath?, root: FilePath = "/") throws -> FilePath {
    try find(named: named, cache: cache, root: root).image
  }

  private static func find(named: FilePath?, cache: FilePath?, root: FilePath) throws -> Candidate {
    if let named {
      guard let found = candidate(at: named) else { throw KernelError.notThere(named: named.string) }
      return found
    }
    let places = [cache?.appending("kernel"), root].compactMap { $0 }
    let found = places.lazy.compactMap { preferred(installed(in: $0)) }.first
    guard let found else {
      throw KernelError.none(searched: places.map { $0.appending("boot").string })
    }
    return found
  }

  private init(_ candidate: Candidate) throws {
    image = candidate.image
    release = candidate.release
    let directories = candidate.moduleDirectories
    guard let directory = directories.first(where: Self.isDirectory) else {
      throw KernelError.noModules(kernel: image.string, expected: directories.map(\.string))
    }
    modules = try ModuleDirectory(directory).loadOrder(Self.wantedModules, optional: Self.optionalModules)
  }

  // MARK: Places

  private struct Candidate {
    var image: FilePath
    var release: String
    var root: FilePath

    /// Where its modules may be: Debian has the second place from version 13 on.
    var moduleDirectories: [FilePath] {
      ["lib/modules", "usr/lib/modules"].map { root.appending($0).appending(release) }
    }
  }

  /// What `named` stands for: an image `ROOT/boot/vmlinuz-RELEASE` or `ROOT/bzImage`, or `ROOT`.
  private static func candidate(at named: FilePath) -> Candidate? {
    if isDirectory(named) {
      if let found = preferred(installed(in: named)) { return found }
      return ["bzImage", "vmlinuz"].lazy.compactMap { candidate(at: named.appending($0)) }.first
    }
    guard access(named.string, R_OK) == 0, let name = named.lastComponent?.string else { return nil }
    let directory = named.removingLastComponent()
    let root = directory.lastComponent == "boot" ? directory.removingLastComponent() : directory
    if name.hasPrefix(prefix) {
      return Candidate(image: named, release: String(name.dropFirst(prefix.count)), root: root)
    }
    // The name says nothing, but there is only one directory of modules beside it, as in Nix's packages.
    let releases = ["lib/modules", "usr/lib/modules"].flatMap { names(in: root.appending($0)) }
    return releases.count == 1 ? Candidate(image: named, release: releases[0], root: root) : nil
  }

  private static let prefix = "vmlinuz-"

  /// The kernels that are installed in `root` and may be read.
  private static func installed(in root: FilePath) -> [Candidate] {
    names(in: root.appending("boot")).filter { $0.hasPrefix(prefix) }.map {
      Candidate(
        image: root.appending("boot").appending($0), release: String($0.dropFirst(prefix.count)), root: root)
    }.filter { access($0.image.string, R_OK) == 0 && $0.moduleDirectories.contains(where: isDirectory) }
  }

  /// The newest up to 6.1, or else the newest.
  private static func preferred(_ candidates: [Candidate]) -> Candidate? {
    let sorted = candidates.sorted {
      numbers(of: $0.release).lexicographicallyPrecedes(numbers(of: $1.release))
    }
    let isSafe = { (candidate: Candidate) in
      ReleaseVersion(parsing: candidate.release).map { $0 <= .lastSafeKernel } ?? false
    }
    return sorted.last(where: isSafe) ?? sorted.last
  }

  private static func numbers(of release: String) -> [Int] {
    release.split { !$0.isASCII || !$0.isNumber }.compactMap { Int($0) }
  }

  private static func names(in directory: FilePath) -> [String] {
    let names = (try? OpenDirectory(directory).names()) ?? []
    return names.map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  private static func isDirectory(_ path: FilePath) -> Bool {
    (try? OpenDirectory(path)) != nil
  }
}
