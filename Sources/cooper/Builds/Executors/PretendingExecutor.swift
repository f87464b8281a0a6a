import ArchiveIO
import Confinement
import Glibc
import ImageBuild
import PretendedRoot
import Synchronization
import SystemPackage

/// Somebody who believes to be root: what programs say about files is kept apart from these.
struct PretendingExecutor: RootExecutor {
  let hasNetwork: Bool

  var place: ScriptTree.Place { .pretendingDisk }

  func run(_ task: RootTask) async throws -> ScriptTree {
    let files = Mutex(PretendedFiles(task.diskTree.ownership))
    let capable = try await Thread.run { try task.capableFiles() }
    let body = { @Sendable (launch: Launch, hasStarted: (Int32) -> Void) throws -> PretendedRoot.Outcome in
      var own = files.withLock { $0 }
      let outcome = try PretendedRoot.run(launch, files: &own, capable: capable, hasStarted: hasStarted)
      files.withLock { $0 = own }
      return outcome
    }
    let way = try Self.way()
    if let root = task.root {
      guard way.hasNamespaces else {
        throw UsageError(
          "\(task.script.name) runs with the image as /, for which this machine would have to allow namespaces to ordinary users; see “user.max_user_namespaces” and “kernel.apparmor_restrict_unprivileged_userns” of sysctl, or run as root"
        )
      }
      try await root.withMountPoints {
        var launch = try root.launch(task.script)
        (launch.mapsUser, launch.hasNetwork) = (way.mapsUser, hasNetwork)
        try await task.script.run(launch, body)
      }
    } else {
      var launch = task.script.launch(shell: try ScriptProgram("bash", package: "bash").path)
      launch.directory = task.scratch.root.string
      (launch.hasNamespaces, launch.mapsUser, launch.hasNetwork) = (
        way.hasNamespaces, way.mapsUser, hasNetwork
      )
      if way.hasNamespaces {
        launch.processes = "/proc"
        launch.writable = task.scratch.directory.string
      }
      try await task.script.run(launch, body)
    }
    return task.result(files.withLock { Ownership($0) })
  }

  /// What namespaces this machine allows.
  private static func way() throws -> (hasNamespaces: Bool, mapsUser: Bool) {
    if Launch.isAllowed(mappingUser: true) { return (true, true) }
    return (geteuid() == 0 && Launch.isAllowed(mappingUser: false), false)
  }
}

extension RootTask {
  /// The paths of the tree's files that are said to have capabilities.
  fileprivate func capableFiles() throws -> [FileNumber: String] {
    let capability = Array("security.capability".utf8)
    let wanted = diskTree.ownership.entries.filter { $0.value.attributes.contains { $0.key == capability } }
    if wanted.isEmpty { return [:] }
    var found: [FileNumber: String] = [:]
    let walk = try TreeWalk(scratch.root.appending("."), order: .bytes)
    while let entry = try walk.next() {
      let identity = entry.status.identity
      guard wanted[identity] != nil else { continue }
      // Like the rest of this machine's paths a string; one that is not valid UTF-8 is not found, and keeps what it has.
      let path = "\(scratch.root)/\(String(decoding: entry.path, as: UTF8.self))"
      found[FileNumber(identity)] = path
    }
    return found
  }
}

extension PretendedFiles {
  fileprivate init(_ ownership: Ownership) {
    self.init(touched: Set(ownership.touched.map { FileNumber($0) }))
    for (identity, entry) in ownership.entries {
      let attributes = entry.attributes.map { ($0.key, $0.value) }
      self[FileNumber(identity)] = FileRecord(
        mode: (entry.type?.fileMode ?? S_IFSOCK) | entry.mode, user: UInt32(truncatingIfNeeded: entry.uid),
        group: UInt32(truncatingIfNeeded: entry.gid), device: entry.device.deviceNumber,
        attributes: Dictionary(attributes) { $1 })
    }
  }
}

extension Ownership {
  fileprivate init(_ files: PretendedFiles) {
    self.init()
    for (number, record) in files.records {
      let names = record.attributes.keys.sorted { $0.lexicographicallyPrecedes($1) }
      self[FileIdentity(number)] = Entry(
        type: TarType(fileMode: record.mode), mode: record.mode & 0o7777, uid: Int64(record.user),
        gid: Int64(record.group), device: TarDevice(deviceNumber: record.device),
        attributes: names.map { PAXRecord(key: $0, value: record.attributes[$0] ?? []) })
    }
    touched = Set(files.touched.map { FileIdentity($0) })
  }
}

extension FileNumber {
  fileprivate init(_ identity: FileIdentity) { self.init(device: identity.device, inode: identity.inode) }
}

extension FileIdentity {
  fileprivate init(_ number: FileNumber) { self.init(device: number.device, inode: number.inode) }
}
