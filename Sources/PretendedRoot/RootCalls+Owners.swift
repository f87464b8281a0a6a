import CTrace

/// chown(2) and chmod(2).
extension RootCalls {
  func changeOwner(_ context: Context, _ name: SystemCallNumber) -> Step {
    let place: Place
    var owner = (context.second, context.third)
    switch name {
    case .chown: place = .path(context.first)
    case .lchown: place = .link(context.first)
    case .fchown: place = .descriptor(context.first)
    default:
      place = .path(directory: context.first, path: context.second, flags: context.fifth)
      owner = (context.third, context.fourth)
    }
    let (user, group) = (context.word(owner.0), context.word(owner.1))
    let credentials = context.tracee.credentials
    return query(context, place) { [self] status in
      var record = files.record(of: status)
      if !credentials.has(.chown) {
        let keepsUser = user == .max || user == record.user
        let hasGroup =
          group == .max || group == record.group || group == credentials.group.files
          || credentials.groups.contains(group)
        guard keepsUser, hasGroup, credentials.user.files == record.user else {
          return .answer(Failure.notPermitted)
        }
      }
      if user != .max { record.user = user }
      if group != .max { record.group = group }
      // A new owner's program is another one (notify_change and chown_common in the kernel).
      if record.type != FileMode.directory {
        record.loseSetID()
        record.attributes[FileAttribute.capability] = nil
      }
      files.set(record, of: status)
      return .answer(0)
    }
  }

  func changeMode(_ context: Context, _ name: SystemCallNumber) -> Step {
    let place: Place
    var mode = context.second
    switch name {
    case .chmod: place = .path(context.first)
    case .fchmod: place = .descriptor(context.first)
    default:
      place = .path(directory: context.first, path: context.second, flags: 0)
      mode = context.third
    }
    let permissions = context.word(mode) & 0o7777
    let credentials = context.tracee.credentials
    return query(context, place) { [self] status in
      var record = files.record(of: status)
      guard credentials.has(.fowner) || credentials.user.files == record.user else {
        return .answer(Failure.notPermitted)
      }
      record.setPermissions(permissions)
      let shown = Self.modeOnDisk(permissions, status)
      var after = status
      after.mode = status.mode & FileMode.type | shown
      if status.mode & 0o7777 == shown {
        files.set(record, of: after)
        return .answer(0)
      }
      if changeMode(place, of: context.tracee, status.file, to: shown) {
        files.set(record, of: after)
        return .answer(0)
      }
      var call = context.call
      if name == .fchmodat { call.arguments.2 = UInt64(shown) } else { call.arguments.1 = UInt64(shown) }
      return .make(call) { [self] result in
        if result == 0 { files.set(record, of: after) }
        return .answer(result)
      }
    }
  }

  /// What a file's mode is on disk, where its user must always be able to use it, and where set-id bits mean somebody else.
  static func modeOnDisk(_ permissions: UInt32, _ status: KernelStatus) -> UInt32 {
    let isDirectory = status.mode & FileMode.type == FileMode.directory
    return permissions & 0o1777 | (isDirectory ? 0o700 : 0o600)
  }
}
