import CTrace

/// Calls that make files: open(2) with `O_CREAT`, mkdir(2), mknod(2), symlink(2).
extension RootCalls {
  /// How a call that makes something is read.
  private struct Creation {
    var directory = Place.here
    var path: UInt64
    /// Permission bits that the caller asks for; nil for a link.
    var mode: UInt32?
    /// Which argument that is.
    var modeArgument = 0
    var isDirectory = false
    /// Whether the result is a descriptor of what was made or was there.
    var opens = false

    init(_ context: Context, _ name: SystemCallNumber) {
      switch name {
      case .symlink: path = context.second
      case .symlinkat: (directory, path) = (context.second, context.third)
      case .openat, .mkdirat, .mknodat:
        (directory, path) = (context.first, context.second)
        modeArgument = name == .openat ? 3 : 2
        mode = context.word(name == .openat ? context.fourth : context.third)
      default:
        path = context.first
        modeArgument = name == .open ? 2 : 1
        mode = context.word(name == .open ? context.third : context.second)
      }
      isDirectory = name == .mkdir || name == .mkdirat
      opens = [.open, .openat, .creat].contains(name)
      if let mode { self.mode = mode & 0o7777 }
    }

    /// What the user must be able to do with what is made.
    var needed: UInt32 { mode == nil ? 0 : isDirectory ? 0o700 : 0o600 }
  }

  func create(_ context: Context, _ name: SystemCallNumber) -> Step {
    create(context, Creation(context, name), as: context.call, device: nil)
  }

  /// Opens a file, which may have to be made for that, or the device that it is said to be.
  func open(_ context: Context, _ name: SystemCallNumber) -> Step {
    let flags =
      switch name {
      case .open: context.second
      case .openat: context.third
      default: OpenFlag.creates | OpenFlag.writes
      }
    // Every call is seen here where others' filters are about.
    let otherwise =
      flags & OpenFlag.creates == 0 ? { Step.original } : { [self] in create(context, name) }
    let isExclusive = flags & (OpenFlag.creates | OpenFlag.exclusive) == OpenFlag.creates | OpenFlag.exclusive
    if isExclusive || flags & OpenFlag.names != 0 { return otherwise() }
    let (directory, path) = name == .openat ? (context.first, context.second) : (Place.here, context.first)
    let follows = flags & OpenFlag.noFollow == 0
    let place = Place.path(directory: directory, path: path, flags: follows ? 0 : Place.noFollow)
    if flags & OpenFlag.writes != 0 { noteWriter(context, place) }
    if files.devices.isEmpty { return otherwise() }
    return query(context, place, or: { _ in otherwise() }) { [self] status in
      guard let device = MachineDevice(files.record(of: status)) else { return otherwise() }
      let address = context.call.scratch(device.path.count)
      guard context.tracee.write(device.path, to: address) else { return otherwise() }
      var call = context.call
      if name == .openat {
        (call.arguments.0, call.arguments.1) = (Place.here, address)
      } else {
        call.arguments.0 = address
      }
      return .make(call) { $0 >= 0 ? .answer($0) : otherwise() }
    }
  }

  func makeNode(_ context: Context, isAt: Bool) -> Step {
    var creation = Creation(context, isAt ? .mknodat : .mknod)
    let mode = context.word(isAt ? context.third : context.second)
    guard [FileMode.character, FileMode.block].contains(mode & FileMode.type) else {
      return create(context, creation, as: context.call, device: nil)
    }
    guard context.tracee.credentials.has(.mknod) else { return .answer(Failure.notPermitted) }
    let device = UInt64(context.word(isAt ? context.fourth : context.third))
    creation.mode = mode & 0o7777
    var call = context.call
    let plain = UInt64(FileMode.regular | mode & 0o777 | 0o600)
    if isAt {
      (call.arguments.2, call.arguments.3) = (plain, 0)
    } else {
      (call.arguments.1, call.arguments.2) = (plain, 0)
    }
    return create(context, creation, as: call, device: (mode & FileMode.type, device))
  }

  /// Makes something, as `call` says, and gives it what it has of its maker and its directory.
  private func create(
    _ context: Context, _ creation: Creation, as call: trace_call, device: (type: UInt32, number: UInt64)?
  ) -> Step {
    let credentials = context.tracee.credentials
    var call = call
    let mode = creation.mode ?? 0
    // Without these bits an ordinary user could not go on with it.
    let lacks = mode & creation.needed != creation.needed && (creation.isDirectory || mode & 0o400 == 0)
    if lacks, device == nil, creation.mode != nil {
      let given = UInt64(mode | creation.needed)
      switch creation.modeArgument {
      case 1: call.arguments.1 = call.arguments.1 & ~0o7777 | given
      case 2: call.arguments.2 = call.arguments.2 & ~0o7777 | given
      default: call.arguments.3 = call.arguments.3 & ~0o7777 | given
      }
    }
    let isPlain = credentials.user.files == 0 && credentials.group.files == 0 && !lacks && device == nil
    if isPlain, !files.hasInheriting { return .original }
    let make = { [self] (parent: FileRecord) -> Step in
      .make(call) { [self] result in
        guard result >= 0 else { return .answer(result) }
        let place: Place =
          creation.opens
          ? .descriptor(UInt64(result))
          : .path(directory: creation.directory, path: creation.path, flags: Place.noFollow)
        return query(context, place, or: { _ in .answer(result) }) { [self] status in
          var record = status.asRoot
          record.user = credentials.user.files
          let inherits = parent.mode & FileMode.setGroup != 0
          record.group = inherits ? parent.group : credentials.group.files
          if lacks { record.mode = record.type | status.mode & mode }
          if inherits, creation.isDirectory { record.mode |= FileMode.setGroup }
          if let device {
            record.mode = device.type | status.mode & mode & 0o777 | mode & 0o7000
            record.device = device.number
          }
          if creation.mode != nil, let initial = parent.list(AccessList.initial) {
            record.inherit(initial, asked: mode)
          }
          files.set(record, of: status)
          return .answer(result)
        }
      }
    }
    return queryParent(context, creation) { [self] parent in
      let inherits =
        parent.mode & FileMode.setGroup != 0 || parent.attributes[AccessList.initial] != nil
      if isPlain, !inherits { return .original }
      guard creation.opens else { return make(parent) }
      // What is there already keeps what it has.
      let place = Place.path(directory: creation.directory, path: creation.path, flags: 0)
      return query(context, place, or: { _ in make(parent) }) { _ in .original }
    }
  }

  /// The directory that something is to be made in, by the text of its path; where that is a link to somewhere else, not even the kernel knows before.
  private func queryParent(
    _ context: Context, _ creation: Creation, then: @escaping (FileRecord) -> Step
  ) -> Step {
    guard var text = context.tracee.readText(creation.path, limit: 4095) else { return .original }
    let slash = UInt8(ascii: "/")
    while text.count > 1, text.last == slash { text.removeLast() }
    let end = text.lastIndex(of: slash)
    let parent = end.map { $0 == 0 ? [slash] : Array(text[..<$0]) } ?? [UInt8(ascii: ".")]
    let name = (Int32(truncatingIfNeeded: creation.directory), parent + [0], true)
    switch find(name, of: context.tracee) {
    case .found(let status): return then(files.record(of: KernelStatus(status)))
    case .missing: return .original
    case .unknown: break
    }
    let address = context.call.scratch(KernelStatus.byteCount, further: 64 + parent.count + 1)
    guard context.tracee.write(parent + [0], to: address) else { return .original }
    return query(
      context, .path(directory: creation.directory, path: address, flags: 0), or: { _ in .original }
    ) { [self] status in then(files.record(of: status)) }
  }
}

/// Devices that every program may use, and every machine has.
private enum MachineDevice: UInt64 {
  case null = 0x103, zero = 0x105, full = 0x107, random = 0x108, urandom = 0x109, tty = 0x500

  init?(_ record: FileRecord) {
    guard record.type == FileMode.character else { return nil }
    self.init(rawValue: record.device)
  }

  /// With a zero at the end.
  var path: [UInt8] { Array("/dev/\(self)".utf8) + [0] }
}
