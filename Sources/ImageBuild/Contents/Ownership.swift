import ArchiveIO

/// What a script pretended to do to files under `fakeroot`: owners, modes and devices that no file on the disk has.
public struct Ownership: Sendable {
  /// What is said of one file.
  struct Entry: Hashable {
    var type: TarType?
    var mode: UInt32
    var uid: Int64
    var gid: Int64
    var device = TarDevice(major: 0, minor: 0)

    /// What a program sees of a file of which nothing is pretended: without real root it belongs to root.
    init(_ status: FileStatus, trusted: Bool) {
      (type, mode) = (status.type, status.mode)
      (uid, gid) = trusted ? (Int64(status.uid), Int64(status.gid)) : (0, 0)
      if let device = status.device { self.device = device }
    }

    init(type: TarType?, mode: UInt32, uid: Int64, gid: Int64, device: TarDevice) {
      (self.type, self.mode, self.uid, self.gid, self.device) = (type, mode, uid, gid, device)
    }
  }

  private var entries: [FileIdentity: Entry] = [:]
  /// Whether what the disk says is true where nothing is pretended: when real root made the files.
  public let trustsDisk: Bool

  /// Nobody pretends anything; the files are as they should be.
  public static let real = Ownership(trustsDisk: true)

  private init(trustsDisk: Bool) { self.trustsDisk = trustsDisk }

  /// Nobody pretended anything: everything is 0:0.
  public init() { trustsDisk = false }

  /// Reads what `fakeroot -s` saved.
  ///
  /// Lines are `dev=HEX,ino=DECIMAL,mode=OCTAL,uid=…,gid=…,nlink=…,rdev=DECIMAL`; nil when one is not.
  public init?(parsingFakerootState text: String) {
    trustsDisk = false
    for line in text.split(separator: "\n") {
      var fields: [Substring: Substring] = [:]
      for field in line.split(separator: ",") {
        let parts = field.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { fields[parts[0]] = parts[1] }
      }
      guard let device = fields["dev"].flatMap({ UInt64($0, radix: 16) }),
        let inode = fields["ino"].flatMap({ UInt64($0) }),
        let mode = fields["mode"].flatMap({ UInt32($0, radix: 8) }),
        let uid = fields["uid"].flatMap({ Int64($0) }), let gid = fields["gid"].flatMap({ Int64($0) })
      else { return nil }
      let number = fields["rdev"].flatMap { UInt64($0) } ?? 0
      entries[FileIdentity(device: device, inode: inode)] = Entry(
        type: TarType(fileMode: mode), mode: mode & 0o7777, uid: uid, gid: gid,
        device: TarDevice(deviceNumber: number))
    }
  }

  /// What is pretended of a file.
  subscript(_ identity: FileIdentity) -> Entry? {
    get { entries[identity] }
    set { entries[identity] = newValue }
  }

  /// What a program sees of a file.
  func effective(_ status: FileStatus) -> Entry {
    entries[status.identity] ?? Entry(status, trusted: trustsDisk)
  }

  /// What `fakeroot -i` reads.
  public var fakerootState: String {
    entries.map { identity, entry in
      let mode = String((entry.type ?? .regular).fileMode | entry.mode, radix: 8)
      let device = entry.device.deviceNumber
      return "dev=\(String(identity.device, radix: 16)),ino=\(identity.inode),mode=\(mode),uid=\(entry.uid),"
        + "gid=\(entry.gid),nlink=1,rdev=\(device)\n"
    }.joined()
  }

  /// Gives a member what was pretended of its file.
  func apply(to header: inout TarHeader, of status: FileStatus) {
    if trustsDisk { (header.owner.uid, header.owner.gid) = (Int64(status.uid), Int64(status.gid)) }
    guard let entry = entries[status.identity] else { return }
    header.owner.uid = entry.uid
    header.owner.gid = entry.gid
    if header.type != .symbolicLink { header.mode = entry.mode }
    guard let type = entry.type, type == .characterDevice || type == .blockDevice else { return }
    header.type = type
    header.device = entry.device
  }
}
