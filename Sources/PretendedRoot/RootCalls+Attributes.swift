import CTrace

/// Extended attributes (xattr(7)).
enum FileAttribute {
  static let capability = Array("security.capability".utf8)
  private static let spaces = ["user.", "trusted.", "security."]
  static let trusted = Array("trusted.".utf8)

  /// `XATTR_NAME_MAX`.
  static let nameLimit = 255
  /// `XATTR_SIZE_MAX`.
  static let valueLimit = 65536

  static func isKnown(_ name: [UInt8]) -> Bool { spaces.contains { name.starts(with: $0.utf8) } }

  /// Whether a value is one of capabilities(7), "File capability extended attribute versioning": revision 2 has 20 bytes, 3 has 24.
  static func isCapability(_ value: [UInt8]) -> Bool {
    value.count == 20 && value[3] == 2 || value.count == 24 && value[3] == 3
  }
}

extension RootCalls {
  /// The file that a call with attributes names first.
  func place(_ context: Context, _ name: SystemCallNumber) -> Place {
    switch name {
    case .fsetxattr, .fgetxattr, .flistxattr, .fremovexattr: .descriptor(context.first)
    case .lsetxattr, .lgetxattr, .llistxattr, .lremovexattr: .link(context.first)
    default: .path(context.first)
    }
  }

  func setAttribute(_ context: Context, _ place: Place) -> Step {
    guard let name = context.tracee.readText(context.second, limit: FileAttribute.nameLimit) else {
      return .answer(Failure.outOfRange)
    }
    guard context.fourth <= FileAttribute.valueLimit else { return .answer(Failure.tooBig) }
    guard let value = context.tracee.read(context.third, Int(context.fourth)) else {
      return .answer(Failure.badAddress)
    }
    if AccessList.isName(name) { return setList(context, place, name, value) }
    guard FileAttribute.isKnown(name) else { return refuse(context, place) }
    let flags = context.word(context.fifth)
    if name == FileAttribute.capability, !FileAttribute.isCapability(value) {
      return .answer(Failure.invalid)
    }
    return change(context, place, name) { record in
      let isThere = record.attributes[name] != nil
      if flags & 1 != 0, isThere { return Failure.exists }
      if flags & 2 != 0, !isThere { return Failure.noData }
      record.attributes[name] = value
      return 0
    }
  }

  func removeAttribute(_ context: Context, _ place: Place) -> Step {
    guard let name = context.tracee.readText(context.second, limit: FileAttribute.nameLimit) else {
      return .answer(Failure.outOfRange)
    }
    if AccessList.isName(name) { return setList(context, place, name, []) }
    guard FileAttribute.isKnown(name) else { return refuse(context, place) }
    return change(context, place, name) { record in
      record.attributes.removeValue(forKey: name) == nil ? Failure.noData : 0
    }
  }

  /// Nobody knows such an attribute, of a file that is there.
  private func refuse(_ context: Context, _ place: Place) -> Step {
    query(context, place) { _ in .answer(Failure.notSupported) }
  }

  /// Sets an access control list, or removes it when there is nothing in it; that of a file and its mode say the same.
  private func setList(_ context: Context, _ place: Place, _ name: [UInt8], _ value: [UInt8]) -> Step {
    let list: AccessList
    switch AccessList.read(value) {
    case .success(let read): list = read
    case .failure(let refusal): return .answer(refusal.number)
    }
    let credentials = context.tracee.credentials
    return query(context, place) { [self] status in
      var record = files.record(of: status)
      var after = status
      guard record.type != FileMode.link else { return .answer(Failure.notSupported) }
      guard credentials.has(.fowner) || credentials.user.files == record.user else {
        return .answer(Failure.notPermitted)
      }
      if name == AccessList.initial, record.type != FileMode.directory {
        return .answer(list.isEmpty ? 0 : Failure.notAllowed)
      }
      record.attributes[name] = list.isEmpty ? nil : list.bytes
      if name == AccessList.access, !list.isEmpty {
        if !list.exceedsMode { record.attributes[name] = nil }
        record.mode = record.mode & ~0o777 | list.permissions
        let shown = Self.modeOnDisk(record.mode & 0o7777, status)
        if status.mode & 0o7777 != shown, changeMode(place, of: context.tracee, status.file, to: shown) {
          after.mode = status.mode & FileMode.type | shown
        }
      }
      files.set(record, of: after)
      return .answer(0)
    }
  }

  private func change(
    _ context: Context, _ place: Place, _ name: [UInt8], _ body: @escaping (inout FileRecord) -> Int64
  ) -> Step {
    let credentials = context.tracee.credentials
    return query(context, place) { [self] status in
      var record = files.record(of: status)
      let isOfUser = name.starts(with: "user.".utf8)
      if isOfUser, ![FileMode.regular, FileMode.directory].contains(record.type) {
        return .answer(Failure.notPermitted)
      }
      let isAllowed =
        isOfUser
        ? credentials.has(.fowner) || credentials.user.files == record.user
        : credentials.has(name == FileAttribute.capability ? .setFileCapabilities : .sysAdmin)
      guard isAllowed else { return .answer(Failure.notPermitted) }
      let result = body(&record)
      if result == 0 { files.set(record, of: status) }
      if record.attributes[FileAttribute.capability] != nil { watchContent(context, place, status.file) }
      return .answer(result)
    }
  }

  func getAttribute(_ context: Context, _ place: Place) -> Step {
    guard let name = context.tracee.readText(context.second, limit: FileAttribute.nameLimit) else {
      return .answer(Failure.outOfRange)
    }
    return query(context, place) { [self] status in
      let record = files.record(of: status)
      if AccessList.isName(name), record.type == FileMode.link { return .answer(Failure.notSupported) }
      guard let value = record.attributes[name] else {
        let isKnown = FileAttribute.isKnown(name) || AccessList.isName(name)
        return .answer(isKnown ? Failure.noData : Failure.notSupported)
      }
      return .answer(give(value, to: context.tracee, context.third, context.fourth))
    }
  }

  func listAttributes(_ context: Context, _ place: Place) -> Step {
    let seesTrusted = context.tracee.credentials.has(.sysAdmin)
    return query(context, place) { [self] status in
      let names = files.record(of: status).attributes.keys.filter {
        seesTrusted || !$0.starts(with: FileAttribute.trusted)
      }
      let sorted = names.sorted { $0.lexicographicallyPrecedes($1) }
      let list = sorted.reduce(into: [UInt8]()) { list, name in list += name + [0] }
      return .answer(give(list, to: context.tracee, context.second, context.third))
    }
  }

  /// Copies a value to a buffer of `size` bytes; its length alone when that is 0.
  private func give(_ value: [UInt8], to tracee: Tracee, _ buffer: UInt64, _ size: UInt64) -> Int64 {
    if size == 0 { return Int64(value.count) }
    guard value.count <= size else { return Failure.outOfRange }
    return tracee.write(value, to: buffer) ? Int64(value.count) : Failure.badAddress
  }
}
