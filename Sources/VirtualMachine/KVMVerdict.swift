import ArchiveIO
import Glibc
public import SystemPackage

/// What was found out about KVM since this machine was started, kept in a file, so that it is found out once.
///
/// That a machine starts under KVM is the only proof that KVM works, and costs a second; that none starts costs twenty, and that not even the probe
/// succeeds, its tenth of a second (vm-executor.md, section 1).
public struct KVMVerdict: Sendable {
  /// No more than that is read of a file.
  private static let byteLimit = 4096

  /// Where it is kept.
  public let file: FilePath
  /// What it is true of.
  private let subject: String

  /// The verdict in Cooper's directory `cache` of the user's cache; nil where none can be kept.
  ///
  /// - Parameters:
  ///   - kernel: The image of the kernel that machines start: with another one it may be another verdict.
  ///   - device: That of KVM.
  ///   - bootID: The file that has another content after every start of this machine.
  public init?(
    cache: FilePath?, kernel: FilePath?, device: FilePath = "/dev/kvm",
    bootID: FilePath = "/proc/sys/kernel/random/boot_id"
  ) {
    guard let cache, let id = Self.read(bootID) else { return nil }
    file = cache.appending("kvm")
    subject = [
      id.filter { !$0.isWhitespace }, Self.identity(of: device), kernel.map(Self.identity) ?? "none",
    ].joined(separator: " ")
  }

  /// What tells a file from another one that has taken its place.
  private static func identity(of path: FilePath) -> String {
    var status = stat()
    guard stat(path.string, &status) == 0 else { return "none" }
    // Nodes of devices are used all the time.
    let isDevice = status.st_mode & S_IFMT == S_IFCHR
    let time = isDevice ? 0 : status.st_mtim.tv_sec
    return "\(status.st_dev):\(status.st_ino):\(status.st_rdev):\(status.st_size):\(time)"
  }

  private static func read(_ path: FilePath) -> String? {
    guard let bytes = try? DirectFile(reading: path).readAll(limit: byteLimit) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What is known: `.usable` or `.dead`; nil when nothing is, or nothing since the start.
  public var state: KVMState? {
    let parts = Self.read(file)?.split(separator: "\n", maxSplits: 1).map(String.init) ?? []
    guard parts.count == 2, parts[0] == subject else { return nil }
    return parts[1] == "usable" ? .usable : .dead(parts[1])
  }

  /// Keeps it for the next time, where that is possible; states that may change at any time are not kept.
  public func remember(_ state: KVMState) {
    let text: String
    switch state {
    case .usable: text = "usable"
    case .dead(let reason): text = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    case .absent, .notPermitted: return
    }
    let directory = file.removingLastComponent()
    let name = "kvm.\(getpid())"
    guard (try? PrivateDirectory.create(directory)) != nil, let place = try? OpenDirectory(directory) else {
      return
    }
    place.removeTree(Array(name.utf8))
    guard (try? place.createFile(Array(name.utf8), Array("\(subject)\n\(text)".utf8), mode: 0o600)) != nil
    else { return }
    rename(directory.appending(name).string, file.string)
  }
}
