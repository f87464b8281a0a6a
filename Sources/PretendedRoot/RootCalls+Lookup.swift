import CTrace
import Glibc

/// Files that calls name, looked at from outside: a stopped thread need not be sent to the kernel and stopped again.
///
/// Where only the thread itself can tell, as behind links like `/proc/self`, nothing is known.
extension RootCalls {
  /// What is known of a file.
  enum Finding {
    case found(stat)
    /// There is none.
    case missing
    case unknown
  }

  /// A file by its directory, its path there, and whether a link at its end is followed; an empty path is the descriptor's own file.
  typealias Name = (directory: Int32, path: [UInt8], follows: Bool)

  /// How a call names that place; nil when its path cannot be read.
  func name(_ place: Place, of tracee: Tracee) -> Name? {
    switch place {
    case .descriptor(let number): return (Int32(truncatingIfNeeded: number), [0], true)
    case .path(let directory, let address, let flags):
      guard let path = tracee.readText(address, limit: 4095) else { return nil }
      // The kernel has an answer of its own for these two.
      if path.isEmpty, flags & Place.emptyPath == 0 { return nil }
      return (Int32(truncatingIfNeeded: directory), path + [0], flags & Place.noFollow == 0)
    }
  }

  /// What the thread would find there.
  func find(_ name: Name, of tracee: Tracee) -> Finding {
    var status = stat()
    let result = name.path.withUnsafeBytes { path in
      trace_status(
        tracee.number, name.directory, path.baseAddress?.assumingMemoryBound(to: CChar.self),
        name.follows ? 1 : 0, &status)
    }
    return result == 0 ? .found(status) : result == ENOENT ? .missing : .unknown
  }

  func find(_ place: Place, of tracee: Tracee) -> Finding {
    name(place, of: tracee).map { find($0, of: tracee) } ?? .unknown
  }

  /// What statx(2) would tell the thread.
  func findExtended(_ name: Name, of tracee: Tracee, flags: Int32, mask: UInt32) -> [UInt8]? {
    var result: Int32 = -1
    let bytes = [UInt8](unsafeUninitializedCapacity: ExtendedStatus.byteCount) { buffer, count in
      buffer.initialize(repeating: 0)
      count = ExtendedStatus.byteCount
      result = name.path.withUnsafeBytes { path in
        trace_extended_status(
          tracee.number, name.directory, path.baseAddress?.assumingMemoryBound(to: CChar.self),
          name.follows ? 1 : 0, flags, mask, buffer.baseAddress)
      }
    }
    return result == 0 ? bytes : nil
  }

  /// Changes the mode of that file on disk; whether it could be done.
  func changeMode(_ place: Place, of tracee: Tracee, _ file: FileNumber, to mode: UInt32) -> Bool {
    guard let name = name(place, of: tracee) else { return false }
    return name.path.withUnsafeBytes { path in
      trace_change_mode(
        tracee.number, name.directory, path.baseAddress?.assumingMemoryBound(to: CChar.self),
        name.follows ? 1 : 0, dev_t(file.device), ino_t(file.inode), mode) == 0
    }
  }

  /// Whether the kernel itself shows such a file as what is said of it.
  func isShown(_ status: KernelStatus, as record: FileRecord) -> Bool {
    record.mode == status.mode && record.device == status.device && record.user == 0 && record.group == 0
      && status.user == rootUser && status.group == rootGroup
  }
}
