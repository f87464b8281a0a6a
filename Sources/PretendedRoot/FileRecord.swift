/// One file of the kernel's, whatever its names: what stat(2) says in `st_dev` and `st_ino`.
public struct FileNumber: Hashable, Sendable {
  /// The file system.
  public var device: UInt64
  /// The number there.
  public var inode: UInt64

  /// A file's numbers.
  public init(device: UInt64, inode: UInt64) { (self.device, self.inode) = (device, inode) }
}

/// What is pretended of a file.
public struct FileRecord: Hashable, Sendable {
  /// Type and permissions, as in `st_mode`.
  public var mode: UInt32
  /// The owner.
  public var user: UInt32
  /// The group.
  public var group: UInt32
  /// Of a device, its numbers as in `st_rdev`.
  public var device: UInt64
  /// Extended attributes by their full names.
  public var attributes: [[UInt8]: [UInt8]]

  /// A file of root's, without attributes.
  public init(
    mode: UInt32, user: UInt32 = 0, group: UInt32 = 0, device: UInt64 = 0,
    attributes: [[UInt8]: [UInt8]] = [:]
  ) {
    (self.mode, self.user, self.group) = (mode, user, group)
    (self.device, self.attributes) = (device, attributes)
  }

  var type: UInt32 { mode & FileMode.type }
  /// A group's bit without that of execution has another meaning, and stays.
  mutating func loseSetID() {
    mode &= ~FileMode.setUser
    if mode & FileMode.groupMayExecute != 0 { mode &= ~FileMode.setGroup }
  }

  var isDevice: Bool { type == FileMode.character || type == FileMode.block }
}

/// Bits of `st_mode` (inode(7)).
enum FileMode {
  static let type: UInt32 = 0o170000
  static let regular: UInt32 = 0o100000
  static let directory: UInt32 = 0o040000
  static let character: UInt32 = 0o020000
  static let block: UInt32 = 0o060000
  static let link: UInt32 = 0o120000
  static let setUser: UInt32 = 0o4000
  static let setGroup: UInt32 = 0o2000
  static let groupMayExecute: UInt32 = 0o0010
}

/// What is pretended of all files; a file of which nothing is said belongs to root and is otherwise as it is on disk.
public struct PretendedFiles: Sendable {
  /// By the file.
  public private(set) var records: [FileNumber: FileRecord] = [:]
  /// Files whose owner, mode or attributes were set, to whatever value; real ones would have another change time now.
  public private(set) var touched: Set<FileNumber> = []
  /// Directories that give their group or an access control list to what is made in them.
  private var inheriting: Set<FileNumber> = []
  /// Inodes of devices, which a directory lists as plain files.
  private(set) var devices: Set<UInt64> = []
  /// Files that had no name when something was said of them: whether it is still the same file with that number is known when it gets one.
  private var nameless: Set<FileNumber> = []

  /// Nothing is pretended, but that something was said of these files.
  public init(touched: Set<FileNumber> = []) { self.touched = touched }

  /// What is said of a file.
  public subscript(_ file: FileNumber) -> FileRecord? {
    get { records[file] }
    set {
      if let known = records[file], known.isDevice { devices.remove(file.inode) }
      inheriting.remove(file)
      records[file] = newValue
      guard let newValue else { return }
      if newValue.isDevice { devices.insert(file.inode) }
      let inherits =
        newValue.mode & FileMode.setGroup != 0 || newValue.attributes[AccessList.initial] != nil
      if newValue.type == FileMode.directory, inherits { inheriting.insert(file) }
    }
  }

  var hasInheriting: Bool { !inheriting.isEmpty }
  var hasNameless: Bool { !nameless.isEmpty }

  /// What a program is to see of a file that the disk shows so.
  mutating func record(of status: KernelStatus) -> FileRecord {
    guard let record = records[status.file] else { return status.asRoot }
    // A number may be used again for another file by somebody who is not traced, or after the last descriptor of a file without a name.
    let isOther =
      record.type != status.mode & FileMode.type
      && !(record.isDevice && status.mode & FileMode.type == FileMode.regular)
    if isOther || status.links > 0 && nameless.contains(status.file) {
      forget(status.file)
      return status.asRoot
    }
    return record
  }

  /// Notes what a program has said of a file, which on disk is now as `status` says.
  mutating func set(_ record: FileRecord, of status: KernelStatus) {
    touched.insert(status.file)
    self[status.file] = record == status.asRoot ? nil : record
    if status.links == 0 { nameless.insert(status.file) }
  }

  /// A file without a name has got one.
  mutating func hasName(_ file: FileNumber) { nameless.remove(file) }

  /// The file is gone.
  mutating func forget(_ file: FileNumber) {
    self[file] = nil
    touched.remove(file)
    nameless.remove(file)
  }
}
