import Confinement
import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// The tree that the program changes: the host's below, and above it, on the scratch disk, what is different.
struct Tree {
  /// Where the tree is.
  static let root = "/tree"
  /// With `index` all names of a file stay names of one file when it is written to, and with `redirect_dir` directories can be renamed as on any
  /// other file system; without `metacopy` all files above have their content.
  private static let overlay = "index=on,metacopy=off,redirect_dir=on,xino=off"

  private let job: GuestJob

  /// Mounts the disks, the tree, and what the program sees in it.
  init(_ job: GuestJob) throws {
    self.job = job
    try Mount.switchRoot()
    try Mount.mount(Disk.needed(DiskName.lower), atNew: "/lower", type: "erofs", flags: UInt(MS_RDONLY))
    try Scratch.mount()
    for name in ["upper", "work"] { mkdir("/scratch/\(name)", 0o755) }
    try Self.copyRoot()
    try Mount.mount(
      "overlay", atNew: Self.root, type: "overlay",
      options: "lowerdir=/lower,upperdir=/scratch/upper,workdir=/scratch/work,\(Self.overlay)")
    if let extra = try Disk.find(DiskName.extra, isNeeded: false) {
      try Mount.mount(extra, atNew: "/extra", type: "erofs", flags: UInt(MS_RDONLY))
    }
    mkdir("/mounts", 0o755)
    for (index, bind) in job.binds.enumerated() { try Self.mount(bind, number: index) }
  }

  /// The root of the tree is what the upper directory looks like.
  private static func copyRoot() throws {
    let (lower, upper, name) = (
      try OpenDirectory("/lower"), try OpenDirectory("/scratch/upper"), Array(".".utf8)
    )
    let status = try lower.status(of: name)
    try upper.setOwner(uid: Int64(status.uid), gid: Int64(status.gid), of: name)
    try upper.setMode(status.mode, of: name)
    for attribute in try lower.extendedAttributes(of: name) {
      try upper.setExtendedAttribute(attribute, of: name)
    }
    try upper.setModificationTime(status.modificationTime, of: name)
  }

  /// Where something that the program sees is mounted outside of the tree.
  private static func source(number: Int) -> String { "/mounts/\(number)" }

  private static func mount(_ bind: GuestJob.Bind, number: Int) throws {
    let own = source(number: number)
    guard mkdir(own, 0o755) == 0 else { throw GuestFailure("cannot create \(own)") }
    func path(_ suffix: [UInt8]) -> String { "/extra/\(String(decoding: suffix, as: UTF8.self))" }
    switch bind.source {
    case .devices: try Devices.mount(at: own)
    case .system: try Mount.bind("/sys", at: own)
    case .extra(let suffix): try Mount.bind(path(suffix), at: own)
    case .scratch(let suffix):
      let changes = "/scratch/mounts\(number)"
      for directory in [changes, "\(changes)/upper", "\(changes)/work"] { mkdir(directory, 0o755) }
      try Mount.mount(
        "overlay", at: own, type: "overlay",
        options: "lowerdir=\(path(suffix)),upperdir=\(changes)/upper,workdir=\(changes)/work")
    }
  }

  /// What is bound into the tree for the program.
  static func binds(_ job: GuestJob) -> [Launch.Bind] {
    job.binds.enumerated().map { index, bind in
      let isReadOnly =
        switch bind.source {
        case .system, .extra: true
        case .devices, .scratch: false
        }
      return Launch.Bind(
        source: source(number: index), target: root + String(decoding: bind.target, as: UTF8.self),
        isReadOnly: isReadOnly)
    }
  }

  // MARK: Afterwards

  /// The beginning of the file that the host wants to know.
  func report() -> [UInt8]? {
    let names = outside(job.report).split(separator: UInt8(ascii: "/")).map { Array($0) }
    guard let name = names.last,
      let directory = try? names.dropLast().reduce(OpenDirectory("/"), { try $0.directory($1) }),
      let file = try? directory.file(name)
    else { return nil }
    return try? file.readAll(limit: GuestRecord.textLimit)
  }

  /// Where something is that the program has at `path`: what is bound into the tree is seen there by the program alone.
  private func outside(_ path: [UInt8]) -> [UInt8] {
    for (index, bind) in job.binds.enumerated() where path.starts(with: bind.target + [UInt8(ascii: "/")]) {
      return Array(Self.source(number: index).utf8) + path.dropFirst(bind.target.count)
    }
    return Array(Self.root.utf8) + path
  }

  /// Everything that is different from before.
  func changes() throws -> UpperMembers {
    try UpperMembers(
      upper: "/scratch/upper", lower: "/lower", index: "/scratch/work/index", tree: FilePath(Self.root))
  }
}

extension OpenFile {
  /// What is left of the file, at most `limit` bytes.
  func readAll(limit: Int = .max) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < limit {
      let count = try piece.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { break }
      bytes += piece.prefix(count)
    }
    return Array(bytes.prefix(limit))
  }
}
