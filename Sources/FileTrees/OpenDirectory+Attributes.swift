import CXattr
import Glibc

/// Extended attributes of what is in a directory, links not followed.
extension OpenDirectory {
  /// What belongs to the place where a file is and not to the file.
  private static let local = ["security.selinux", "trusted.overlay."]

  /// All that belong to the file, and with `includingLocal` all that it has, sorted by name; none where the file system has none.
  public func extendedAttributes(
    of name: [UInt8], includingLocal: Bool = false
  ) throws(FileError) -> [PAXRecord] {
    var records: [PAXRecord] = []
    for key in try extendedAttributeNames(of: name)
    where includingLocal || !Self.local.contains(where: { key.starts(with: $0.utf8) }) {
      records.append(PAXRecord(key: key, value: try value(of: key, name)))
    }
    return records
  }

  private func extendedAttributeNames(of name: [UInt8]) throws(FileError) -> [[UInt8]] {
    let size = withOpenName(name) { llistxattr($0, nil, 0) }
    guard size > 0 else { return [] }
    var list = [CChar](repeating: 0, count: size)
    let count = withOpenName(name) { llistxattr($0, &list, size) }
    guard count >= 0 else { throw failure("list the attributes of", name) }
    let names = list.prefix(count).split(separator: 0).map { $0.map { UInt8(bitPattern: $0) } }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The value of one, also of one that belongs to the place; nil when the file has none of that name.
  public func extendedAttribute(_ key: String, of name: [UInt8]) throws(FileError) -> [UInt8]? {
    let size = withOpenName(name) { lgetxattr($0, key, nil, 0) }
    if size < 0, errno == ENODATA || errno == EOPNOTSUPP { return nil }
    return try value(of: Array(key.utf8), name)
  }

  private func value(of key: [UInt8], _ name: [UInt8]) throws(FileError) -> [UInt8] {
    func read(into buffer: UnsafeMutableRawPointer?, _ size: Int) -> Int {
      withOpenName(name) { path in Self.withCString(key) { lgetxattr(path, $0, buffer, size) } }
    }
    let size = read(into: nil, 0)
    guard size >= 0 else { throw failure("read an attribute of", name) }
    var value = [UInt8](repeating: 0, count: size)
    let count = value.withUnsafeMutableBytes { read(into: $0.baseAddress, size) }
    guard count >= 0 else { throw failure("read an attribute of", name) }
    return Array(value.prefix(count))
  }

  /// Sets one.
  public func setExtendedAttribute(_ attribute: PAXRecord, of name: [UInt8]) throws(FileError) {
    let result = attribute.value.withUnsafeBytes { value in
      withOpenName(name) { path in
        Self.withCString(attribute.key) { lsetxattr(path, $0, value.baseAddress, value.count, 0) }
      }
    }
    guard result == 0 else {
      throw failure("set the attribute \(String(decoding: attribute.key, as: UTF8.self)) of", name)
    }
  }

  /// Gives a file these attributes and no other: a new one may have some from its directory.
  public func setExtendedAttributes(_ attributes: [PAXRecord], of name: [UInt8]) throws(FileError) {
    for key in try extendedAttributeNames(of: name) where !attributes.contains(where: { $0.key == key }) {
      let result = withOpenName(name) { path in Self.withCString(key) { lremovexattr(path, $0) } }
      guard result == 0 else {
        throw failure("remove the attribute \(String(decoding: key, as: UTF8.self)) of", name)
      }
    }
    for attribute in attributes { try setExtendedAttribute(attribute, of: name) }
  }

  /// Sets owner and group.
  public func setOwner(uid: Int64, gid: Int64, of name: [UInt8]) throws(FileError) {
    let result = withName(name) {
      fchownat($0, $1, uid_t(truncatingIfNeeded: uid), gid_t(truncatingIfNeeded: gid), AT_SYMLINK_NOFOLLOW)
    }
    guard result == 0 else { throw failure("set the owner of", name) }
  }

  /// Calls `body` with a path of a name in this directory, for calls that take only paths.
  private func withOpenName<Value>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Value) -> Value {
    Self.withCString(Array("/proc/self/fd/\(number)/".utf8) + name, body)
  }
}
