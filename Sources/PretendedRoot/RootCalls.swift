import CTrace
import Glibc

/// What system calls do for a program that believes to be root.
final class RootCalls {
  /// What is pretended now.
  var files: PretendedFiles

  /// Whom the kernel shows to programs as root, by this process's numbers.
  let rootUser, rootGroup: UInt32
  /// Files that lose something by a write.
  let watch = ContentWatch()
  /// Those of them that were opened by somebody who is not root.
  var writtenByOthers: Set<FileNumber> = []

  /// - Parameter mapsUser: Whether that is this process's user; otherwise it is the real one.
  init(_ files: PretendedFiles, mapsUser: Bool) {
    self.files = files
    (rootUser, rootGroup) = mapsUser ? (geteuid(), getegid()) : (0, 0)
  }

  /// A system call at its beginning.
  struct Context {
    let call: trace_call
    let tracee: Tracee

    var first: UInt64 { call.arguments.0 }
    var second: UInt64 { call.arguments.1 }
    var third: UInt64 { call.arguments.2 }
    var fourth: UInt64 { call.arguments.3 }
    var fifth: UInt64 { call.arguments.4 }

    /// The lower half of an argument, as most calls take it.
    func word(_ argument: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: argument) }
  }

  /// A file as a call names it.
  enum Place {
    case path(directory: UInt64, path: UInt64, flags: UInt64)
    case descriptor(UInt64)

    static let here = UInt64(bitPattern: -100)
    /// `AT_SYMLINK_NOFOLLOW`.
    static let noFollow: UInt64 = 0x100
    /// `AT_SYMLINK_FOLLOW`.
    static let follow: UInt64 = 0x400
    /// `AT_EMPTY_PATH`.
    static let emptyPath: UInt64 = 0x1000

    static func path(_ path: UInt64) -> Place { .path(directory: here, path: path, flags: 0) }
    static func link(_ path: UInt64) -> Place { .path(directory: here, path: path, flags: noFollow) }
  }

  /// Decides about a call that a thread is about to make.
  func begin(_ call: trace_call, of tracee: Tracee) -> Step {
    noteWrites()
    let context = Context(call: call, tracee: tracee)
    let number = Int(truncatingIfNeeded: call.number)
    guard let name = SystemCallNumber(rawValue: number) else { return .original }
    switch name {
    case .fstat: return showStatus(context, .descriptor(context.first), buffer: context.second)
    case .stat: return showStatus(context, .path(context.first), buffer: context.second)
    case .lstat: return showStatus(context, .link(context.first), buffer: context.second)
    case .newfstatat:
      let place = Place.path(directory: context.first, path: context.second, flags: context.fourth)
      return showStatus(context, place, buffer: context.third)
    case .statx: return showExtendedStatus(context)
    case .getdents, .getdents64: return showDirectory(context, isOld: name == .getdents)
    case .chown, .lchown, .fchown, .fchownat: return changeOwner(context, name)
    case .chmod, .fchmod, .fchmodat: return changeMode(context, name)
    case .mknod, .mknodat: return makeNode(context, isAt: name == .mknodat)
    case .open, .creat, .openat: return open(context, name)
    case .mkdir, .mkdirat, .symlink, .symlinkat: return create(context, name)
    case .link, .linkat: return link(context, isAt: name == .linkat)
    case .unlink, .rmdir, .unlinkat: return remove(context, isAt: name == .unlinkat)
    case .rename, .renameat, .renameat2: return rename(context, name)
    case .setxattr, .lsetxattr, .fsetxattr: return setAttribute(context, place(context, name))
    case .getxattr, .lgetxattr, .fgetxattr: return getAttribute(context, place(context, name))
    case .listxattr, .llistxattr, .flistxattr: return listAttributes(context, place(context, name))
    case .removexattr, .lremovexattr, .fremovexattr: return removeAttribute(context, place(context, name))
    case .getuid, .getgid, .geteuid, .getegid, .getresuid, .getresgid, .getgroups:
      return tellIdentity(context, name)
    case .setuid, .setgid, .setreuid, .setregid, .setresuid, .setresgid, .setfsuid, .setfsgid, .setgroups:
      return changeIdentity(context, name)
    case .capget: return tellCapabilities(context)
    case .capset: return changeCapabilities(context)
    case .prctl: return control(context)
    }
  }

  /// A thread has become another program.
  func hasExecuted(_ tracee: Tracee) {
    noteWrites()
    var status = Glibc.stat()
    let isKnown = !files.records.isEmpty && stat("/proc/\(tracee.number)/exe", &status) == 0
    let number = FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    tracee.credentials.execute(isKnown ? files[number] : nil)
  }

  // MARK: Looking at files

  /// Finds out what a file is, from the kernel if need be, and goes on with the answer or an error.
  func query(
    _ context: Context, _ place: Place, or failed: @escaping (Int64) -> Step = { .answer($0) },
    then: @escaping (KernelStatus) -> Step
  ) -> Step {
    switch find(place, of: context.tracee) {
    case .found(let status): return then(KernelStatus(status))
    case .missing: return failed(Failure.missing)
    case .unknown: break
    }
    let buffer = context.call.scratch(KernelStatus.byteCount)
    let call =
      switch place {
      case .descriptor(let number): context.call.replaced(by: .fstat, number, buffer)
      case .path(let directory, let path, let flags):
        context.call.replaced(by: .newfstatat, directory, path, buffer, flags)
      }
    return .make(call) { result in
      guard result == 0 else { return failed(result) }
      let status = context.tracee.withBytes(buffer, KernelStatus.byteCount) { KernelStatus($0) }
      return status.map(then) ?? failed(Failure.badAddress)
    }
  }

  private func showStatus(_ context: Context, _ place: Place, buffer: UInt64) -> Step {
    switch find(place, of: context.tracee) {
    case .found(var status):
      let known = KernelStatus(status)
      let record = files.record(of: known)
      if isShown(known, as: record) { return .original }
      (status.st_mode, status.st_uid, status.st_gid) = (record.mode, record.user, record.group)
      status.st_rdev = dev_t(record.device)
      let isWritten = withUnsafeBytes(of: status) { context.tracee.write($0, to: buffer) }
      return .answer(isWritten ? 0 : Failure.badAddress)
    case .missing: return .original
    case .unknown: break
    }
    return .make(context.call) { [self] result in
      guard result == 0 else { return .answer(result) }
      let known = context.tracee.withBytes(buffer, 48) { KernelStatus($0) }
      guard let status = known else { return .answer(result) }
      let record = files.record(of: status)
      if record.mode != status.mode || record.user != status.user || record.group != status.group {
        // Mode, owner and group are side by side.
        let both = UInt64(record.mode) | UInt64(record.user) << 32
        guard context.tracee.write(both, to: buffer + 24),
          context.tracee.write(record.group, to: buffer + 32)
        else { return .answer(Failure.badAddress) }
      }
      if record.device != status.device { _ = context.tracee.write(record.device, to: buffer + 40) }
      return .answer(0)
    }
  }

  private func showExtendedStatus(_ context: Context) -> Step {
    var call = context.call
    call.arguments.3 |= ExtendedStatus.needed
    let buffer = context.fifth
    let place = Place.path(directory: context.first, path: context.second, flags: context.third)
    if let name = name(place, of: context.tracee) {
      switch find(name, of: context.tracee) {
      case .found(let status):
        let known = KernelStatus(status)
        let record = files.record(of: known)
        if isShown(known, as: record) { return .original }
        let flags = Int32(truncatingIfNeeded: context.third & ExtendedStatus.freshness)
        let mask = context.word(call.arguments.3)
        guard var bytes = findExtended(name, of: context.tracee, flags: flags, mask: mask) else { break }
        bytes.withUnsafeMutableBytes { ExtendedStatus.show(record, in: $0) }
        return .answer(context.tracee.write(bytes, to: buffer) ? 0 : Failure.badAddress)
      case .missing: return .original
      case .unknown: break
      }
    }
    return .make(call) { [self] result in
      guard result == 0 else { return .answer(result) }
      guard var bytes = context.tracee.read(buffer, ExtendedStatus.byteCount) else { return .answer(result) }
      let status = bytes.withUnsafeBytes { ExtendedStatus.read($0) }
      bytes.withUnsafeMutableBytes { ExtendedStatus.show(files.record(of: status), in: $0) }
      return .answer(context.tracee.write(bytes, to: buffer) ? 0 : Failure.badAddress)
    }
  }

  /// A device is a plain file on disk; programs that trust the type in a directory would never ask again.
  private func showDirectory(_ context: Context, isOld: Bool) -> Step {
    if files.devices.isEmpty { return .original }
    return .make(context.call) { [self] result in
      guard result > 0, var entries = context.tracee.read(context.second, Int(result)) else {
        return .answer(result)
      }
      var (position, isChanged) = (0, false)
      while position + 19 <= entries.count {
        let (inode, length) = entries.withUnsafeBytes {
          (
            $0.loadUnaligned(fromByteOffset: position, as: UInt64.self),
            Int($0.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
          )
        }
        guard length >= 19, position + length <= entries.count else { break }
        if files.devices.contains(inode) {
          entries[isOld ? position + length - 1 : position + 18] = 0
          isChanged = true
        }
        position += length
      }
      if isChanged { _ = context.tracee.write(entries, to: context.second) }
      return .answer(result)
    }
  }
}
