import ArchiveIO
import Glibc
public import SystemPackage

/// What was found out about KVM since this machine was started, kept in a file, so that it is found out once.
///
/// That a machine starts under KVM is the only proof that KVM works, and costs a second; that none starts costs twenty (vm-executor.md, section 1).
public struct KVMVerdict: Sendable {
  /// No more than that is read of a file.
  private static let byteLimit = 4096

  private let file: FilePath
  private let bootID: String

  /// The verdict in Cooper's directory `cache` of the user's cache.
  ///
  /// - Parameter bootID: The file that has another content after every start of this machine.
  public init?(cache: FilePath?, bootID: FilePath = "/proc/sys/kernel/random/boot_id") {
    guard let cache, let id = Self.read(bootID) else { return nil }
    file = cache.appending("kvm")
    self.bootID = id.filter { !$0.isWhitespace }
  }

  private static func read(_ path: FilePath) -> String? {
    guard let bytes = try? DirectFile(reading: path).readAll(limit: byteLimit) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What is known: `.usable` or `.dead`; nil when nothing is, or nothing since the start.
  public var state: KVMState? {
    let parts = Self.read(file)?.split(separator: "\n", maxSplits: 1).map(String.init) ?? []
    guard parts.count == 2, parts[0] == bootID else { return nil }
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
    guard (try? place.createFile(Array(name.utf8), Array("\(bootID)\n\(text)".utf8), mode: 0o600)) != nil
    else { return }
    rename(directory.appending(name).string, file.string)
  }
}
