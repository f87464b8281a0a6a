import CTrace

/// Who a program is: setuid(2) and its relatives, capset(2), prctl(2).
extension RootCalls {
  func tellIdentity(_ context: Context, _ name: SystemCallNumber) -> Step {
    let credentials = context.tracee.credentials
    switch name {
    case .getuid: return .answer(Int64(credentials.user.real))
    case .geteuid: return .answer(Int64(credentials.user.effective))
    case .getgid: return .answer(Int64(credentials.group.real))
    case .getegid: return .answer(Int64(credentials.group.effective))
    case .getgroups:
      let count = Int(Int32(truncatingIfNeeded: context.first))
      if count == 0 { return .answer(Int64(credentials.groups.count)) }
      guard count >= credentials.groups.count else { return .answer(Failure.invalid) }
      for (index, group) in credentials.groups.enumerated() {
        guard context.tracee.write(group, to: context.second + UInt64(index * 4)) else {
          return .answer(Failure.badAddress)
        }
      }
      return .answer(Int64(credentials.groups.count))
    default:
      let identity = name == .getresuid ? credentials.user : credentials.group
      let isWritten =
        context.tracee.write(identity.real, to: context.first)
        && context.tracee.write(identity.effective, to: context.second)
        && context.tracee.write(identity.saved, to: context.third)
      return .answer(isWritten ? 0 : Failure.badAddress)
    }
  }

  func changeIdentity(_ context: Context, _ name: SystemCallNumber) -> Step {
    if name == .setgroups { return changeGroups(context) }
    let isUser = [.setuid, .setreuid, .setresuid, .setfsuid].contains(name)
    let credentials = context.tracee.credentials
    let isFree = credentials.has(isUser ? .setUID : .setGID)
    var identity = isUser ? credentials.user : credentials.group
    let (a, b, c) = (context.word(context.first), context.word(context.second), context.word(context.third))
    let before = identity
    func mayBecome(_ number: UInt32) -> Bool { number == .max || isFree || before.contains(number) }
    switch name {
    case .setuid, .setgid:
      guard a != .max else { return .answer(Failure.invalid) }
      guard isFree || a == before.real || a == before.saved else { return .answer(Failure.notPermitted) }
      if isFree { (identity.real, identity.saved) = (a, a) }
      identity.effective = a
    case .setreuid, .setregid:
      guard mayBecome(b), a == .max || isFree || a == before.real || a == before.effective else {
        return .answer(Failure.notPermitted)
      }
      if a != .max { identity.real = a }
      if b != .max { identity.effective = b }
      if a != .max || b != .max && b != before.real { identity.saved = identity.effective }
    case .setresuid, .setresgid:
      guard mayBecome(a), mayBecome(b), mayBecome(c) else { return .answer(Failure.notPermitted) }
      if a != .max { identity.real = a }
      if b != .max { identity.effective = b }
      if c != .max { identity.saved = c }
    default:
      // The answer is the number before, whether it could be changed or not.
      if isFree || before.contains(a) || a == before.files { identity.files = a == .max ? before.files : a }
      set(identity, isUser, of: context.tracee)
      return .answer(Int64(before.files))
    }
    identity.files = identity.effective
    set(identity, isUser, of: context.tracee)
    return .answer(0)
  }

  private func set(_ identity: Credentials.Identity, _ isUser: Bool, of tracee: Tracee) {
    if isUser { tracee.credentials.change { $0 = identity } } else { tracee.credentials.group = identity }
  }

  private func changeGroups(_ context: Context) -> Step {
    guard context.tracee.credentials.has(.setGID) else { return .answer(Failure.notPermitted) }
    // `NGROUPS_MAX`.
    guard context.first <= 65536 else { return .answer(Failure.invalid) }
    guard let bytes = context.tracee.read(context.second, Int(context.first) * 4) else {
      return .answer(Failure.badAddress)
    }
    context.tracee.credentials.groups = bytes.withUnsafeBytes { bytes in
      (0..<Int(context.first)).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
    }
    return .answer(0)
  }

  // MARK: Capabilities

  /// Versions of the structures of capget(2), and how many 32-bit parts each set has there.
  private static let versions: [UInt32: Int] = [0x1998_0330: 1, 0x2007_1026: 2, 0x2008_0522: 2]

  func tellCapabilities(_ context: Context) -> Step {
    guard let version: UInt32 = number(at: context.first, of: context.tracee) else {
      return .answer(Failure.badAddress)
    }
    guard let parts = Self.versions[version] else {
      // The kernel tells the version that it prefers.
      _ = context.tracee.write(0x2008_0522 as UInt32, to: context.first)
      return .answer(context.second == 0 ? 0 : Failure.invalid)
    }
    if context.second == 0 { return .answer(0) }
    let own = context.tracee.credentials
    for part in 0..<parts {
      for (index, set) in [own.effective, own.permitted, own.inheritable].enumerated() {
        let value = UInt32(truncatingIfNeeded: set >> UInt64(part * 32))
        guard context.tracee.write(value, to: context.second + UInt64(part * 12 + index * 4)) else {
          return .answer(Failure.badAddress)
        }
      }
    }
    return .answer(0)
  }

  func changeCapabilities(_ context: Context) -> Step {
    guard let version: UInt32 = number(at: context.first, of: context.tracee),
      let parts = Self.versions[version]
    else { return .answer(Failure.invalid) }
    var sets: [UInt64] = [0, 0, 0]
    for part in 0..<parts {
      for index in sets.indices {
        let address = context.second + UInt64(part * 12 + index * 4)
        guard let value: UInt32 = number(at: address, of: context.tracee) else {
          return .answer(Failure.badAddress)
        }
        sets[index] |= UInt64(value) << UInt64(part * 32)
      }
    }
    var credentials = context.tracee.credentials
    guard sets[1] & ~credentials.permitted == 0, sets[0] & ~sets[1] == 0 else {
      return .answer(Failure.notPermitted)
    }
    (credentials.effective, credentials.permitted, credentials.inheritable) = (sets[0], sets[1], sets[2])
    context.tracee.credentials = credentials
    return .answer(0)
  }

  private func number<Number: FixedWidthInteger>(at address: UInt64, of tracee: Tracee) -> Number? {
    tracee.withBytes(address, MemoryLayout<Number>.size) { $0.loadUnaligned(as: Number.self) }
  }

  /// What root may do, and what would hide a program's memory from its tracer.
  func control(_ context: Context) -> Step {
    guard let control = ProcessControl(rawValue: context.word(context.first)) else { return .original }
    switch control {
    case .keepsCapabilities: return .answer(context.tracee.credentials.keepsPermitted ? 1 : 0)
    case .keepCapabilities:
      context.tracee.credentials.keepsPermitted = context.second != 0
      return .answer(0)
    case .readBounding: return .answer(context.second <= 40 ? 1 : Failure.invalid)
    case .setDumpable, .dropBounding, .readSecureBits, .setSecureBits, .ambient: return .answer(0)
    }
  }
}

/// What prctl(2) is looked at for (linux/prctl.h).
enum ProcessControl: UInt32, CaseIterable {
  case setDumpable = 4, keepsCapabilities = 7, keepCapabilities = 8
  case readBounding = 23, dropBounding = 24, readSecureBits = 27, setSecureBits = 28
  case ambient = 47
}
