public import ArchiveIO
public import SystemPackage

/// What is to be known of files beside the disk: owners, modes, devices and attributes that no file there has are pretended.
public struct Ownership: Sendable {
  /// What is said of one file.
  public struct Entry: Hashable, Sendable {
    /// What it is; nil for a socket.
    public var type: TarType?
    /// The permission bits, set-id and sticky ones included.
    public var mode: UInt32
    /// The owner's number.
    public var uid: Int64
    /// The group's number.
    public var gid: Int64
    /// The numbers, of a device.
    public var device: TarDevice
    /// Extended attributes by their full names, in the order of these.
    public var attributes: [PAXRecord]

    /// What is said of a file.
    public init(
      type: TarType?, mode: UInt32, uid: Int64, gid: Int64, device: TarDevice = TarDevice(major: 0, minor: 0),
      attributes: [PAXRecord] = []
    ) {
      (self.type, self.mode, self.uid, self.gid) = (type, mode, uid, gid)
      (self.device, self.attributes) = (device, attributes)
    }

    /// What a program sees of a file of which nothing is pretended: without real root it belongs to root.
    init(_ status: FileStatus, trusted: Bool) {
      let (uid, gid) = trusted ? (Int64(status.uid), Int64(status.gid)) : (0, 0)
      self.init(
        type: status.type, mode: status.mode, uid: uid, gid: gid,
        device: status.device ?? TarDevice(major: 0, minor: 0))
    }
  }

  /// What is said, by the file.
  public private(set) var entries: [FileIdentity: Entry] = [:]
  /// Files that were given an owner, mode or attributes, even if it is what they had: a real file would have another change time now.
  public var touched: Set<FileIdentity> = []
  /// Whether what the disk says is true where nothing is pretended: when real root made the files.
  public let trustsDisk: Bool

  /// Nobody pretends anything; the files are as they should be.
  public static let real = Ownership(trustsDisk: true)

  private init(trustsDisk: Bool) { self.trustsDisk = trustsDisk }

  /// Nobody pretended anything: everything is 0:0.
  public init() { trustsDisk = false }

  /// Everything is 0:0, and has the modes that files in that directory have now.
  ///
  /// The disk would lose set-id bits: the kernel takes them from a file that somebody writes to who is not real root.
  ///
  /// - Throws: `FileError`.
  public init(of root: FilePath) throws(FileError) {
    self.init()
    let walk = try TreeWalk(root.appending("."), order: .bytes)
    while let entry = try walk.next() { keepSetIDBits(of: entry.status) }
  }

  /// Says beside the disk what mode a file has, if it has set-id bits.
  mutating func keepSetIDBits(of status: FileStatus) {
    let isKept = status.type == .directory || status.mode & 0o6000 == 0
    if isKept || entries[status.identity] != nil { return }
    entries[status.identity] = Entry(status, trusted: trustsDisk)
  }

  /// What is pretended of a file.
  public subscript(_ identity: FileIdentity) -> Entry? {
    get { entries[identity] }
    set { entries[identity] = newValue }
  }

  /// What a program sees of a file.
  func effective(_ status: FileStatus) -> Entry {
    entries[status.identity] ?? Entry(status, trusted: trustsDisk)
  }

  /// Gives a member what was pretended of its file.
  func apply(to header: inout TarHeader, of status: FileStatus) {
    if trustsDisk { (header.owner.uid, header.owner.gid) = (Int64(status.uid), Int64(status.gid)) }
    guard let entry = entries[status.identity] else { return }
    header.owner.uid = entry.uid
    header.owner.gid = entry.gid
    header.extendedAttributes = entry.attributes
    if header.type != .symbolicLink { header.mode = entry.mode }
    guard let type = entry.type, type == .characterDevice || type == .blockDevice else { return }
    header.type = type
    header.device = entry.device
  }
}
