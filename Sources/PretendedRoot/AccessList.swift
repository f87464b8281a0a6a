/// An access control list (acl(5)), as the attributes that hold one have it (linux/posix_acl_xattr.h).
struct AccessList {
  /// That of a file itself.
  static let access = Array("system.posix_acl_access".utf8)
  /// What files in a directory get.
  static let initial = Array("system.posix_acl_default".utf8)

  private enum Tag: UInt16 {
    case owner = 0x01, user = 0x02, owningGroup = 0x04, group = 0x08, mask = 0x10, other = 0x20

    var isNamed: Bool { self == .user || self == .group }
  }

  private struct Entry {
    let tag: Tag
    var permissions: UInt16
    let id: UInt32
  }

  private var entries: [Entry] = []

  static func isName(_ name: [UInt8]) -> Bool { name == access || name == initial }

  var isEmpty: Bool { entries.isEmpty }
  /// Whether it says more than the nine bits of a mode.
  var exceedsMode: Bool { entries.contains { $0.tag.isNamed || $0.tag == .mask } }

  /// The nine bits that a mode shows of it; its mask in the place of the group.
  var permissions: UInt32 {
    entries.reduce(0) { bits, entry in
      switch entry.tag {
      case .owner: bits | UInt32(entry.permissions) << 6
      case _ where entry.tag == groupTag: bits | UInt32(entry.permissions) << 3
      case .other: bits | UInt32(entry.permissions)
      default: bits
      }
    }
  }

  private var groupTag: Tag { entries.contains { $0.tag == .mask } ? .mask : .owningGroup }

  /// Reads the value of an attribute; the failure is the kernel's.
  static func read(_ value: [UInt8]) -> Result<AccessList, Refusal> {
    if value.isEmpty { return .success(AccessList()) }
    guard value.count >= 4 else { return .failure(Refusal(Failure.invalid)) }
    guard number(value[..<4]) == 2 else { return .failure(Refusal(Failure.notSupported)) }
    guard value.count % 8 == 4 else { return .failure(Refusal(Failure.invalid)) }
    var list = AccessList()
    for start in stride(from: 4, to: value.count, by: 8) {
      guard let tag = Tag(rawValue: UInt16(number(value[start..<start + 2]))) else {
        return .failure(Refusal(Failure.invalid))
      }
      let (bits, id) = (number(value[start + 2..<start + 4]), number(value[start + 4..<start + 8]))
      list.entries.append(Entry(tag: tag, permissions: UInt16(bits), id: tag.isNamed ? id : .max))
    }
    return list.isEmpty || list.isValid ? .success(list) : .failure(Refusal(Failure.invalid))
  }

  /// An error number.
  struct Refusal: Error {
    let number: Int64

    init(_ number: Int64) { self.number = number }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// `posix_acl_valid` in the kernel: every kind in its place, and a mask where somebody is named.
  private var isValid: Bool {
    var kinds = entries.map(\.tag)[...]
    func take(_ tag: Tag) -> Int {
      let rest = kinds.drop { $0 == tag }
      defer { kinds = rest }
      return kinds.count - rest.count
    }
    let isInOrder =
      take(.owner) == 1 && take(.user) >= 0 && take(.owningGroup) == 1 && take(.group) >= 0
      && take(.mask) <= 1 && take(.other) == 1 && kinds.isEmpty
    let hasMask = entries.contains { $0.tag == .mask }
    return isInOrder && (hasMask || !entries.contains { $0.tag.isNamed })
      && entries.allSatisfy { $0.permissions <= 7 && (!$0.tag.isNamed || $0.id != .max) }
  }

  /// The value of the attribute.
  var bytes: [UInt8] {
    entries.reduce(into: [2, 0, 0, 0]) { bytes, entry in
      for part in [entry.tag.rawValue, entry.permissions] {
        withUnsafeBytes(of: part.littleEndian) { bytes += $0 }
      }
      withUnsafeBytes(of: entry.id.littleEndian) { bytes += $0 }
    }
  }

  /// After a chmod(2) to these permissions.
  mutating func change(to mode: UInt32) { setBits { shift, _ in UInt16(mode >> shift & 7) } }

  /// As a new file made with these permissions has it.
  mutating func restrict(to mode: UInt32) { setBits { shift, bits in bits & UInt16(mode >> shift & 7) } }

  private mutating func setBits(_ body: (_ shift: UInt32, _ bits: UInt16) -> UInt16) {
    let groupTag = groupTag
    for index in entries.indices {
      let shift: UInt32? =
        switch entries[index].tag {
        case .owner: 6
        case _ where entries[index].tag == groupTag: 3
        case .other: 0
        default: nil
        }
      if let shift { entries[index].permissions = body(shift, entries[index].permissions) }
    }
  }
}

extension FileRecord {
  /// The list of that name; nil when there is none.
  func list(_ name: [UInt8]) -> AccessList? { attributes[name].flatMap { try? AccessList.read($0).get() } }

  /// Gives a file permissions, and its list what follows.
  mutating func setPermissions(_ permissions: UInt32) {
    mode = type | permissions & 0o7777
    guard var list = list(AccessList.access) else { return }
    list.change(to: permissions)
    attributes[AccessList.access] = list.bytes
  }

  /// What a directory's list for new files makes of a new one that is asked for with these permissions.
  mutating func inherit(_ initial: AccessList, asked permissions: UInt32) {
    var list = initial
    list.restrict(to: permissions)
    mode = mode & ~0o777 | list.permissions
    if list.exceedsMode { attributes[AccessList.access] = list.bytes }
    if type == FileMode.directory { attributes[AccessList.initial] = initial.bytes }
  }
}
