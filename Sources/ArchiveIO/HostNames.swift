import Glibc

/// What this machine calls its users and groups.
public enum HostNames {
  /// The owner of a file with the names that it has here; nothing for a number without a name.
  public static func owner(of status: FileStatus) -> TarOwner {
    TarOwner(
      uid: Int64(status.uid), gid: Int64(status.gid), userName: user(status.uid), groupName: group(status.gid)
    )
  }

  private static func user(_ uid: UInt32) -> String {
    var entry = passwd()
    return name { buffer in
      var found: UnsafeMutablePointer<passwd>?
      guard getpwuid_r(uid, &entry, buffer.baseAddress.unsafelyUnwrapped, buffer.count, &found) == 0,
        found != nil
      else { return nil }
      return entry.pw_name
    }
  }

  private static func group(_ gid: UInt32) -> String {
    var entry = Glibc.group()
    return name { buffer in
      var found: UnsafeMutablePointer<Glibc.group>?
      guard getgrgid_r(gid, &entry, buffer.baseAddress.unsafelyUnwrapped, buffer.count, &found) == 0,
        found != nil
      else { return nil }
      return entry.gr_name
    }
  }

  private static func name(_ find: (UnsafeMutableBufferPointer<CChar>) -> UnsafeMutablePointer<CChar>?)
    -> String
  {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64 << 10) { buffer in
      find(buffer).map { String(cString: $0) } ?? ""
    }
  }
}
