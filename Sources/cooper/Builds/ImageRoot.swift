import ArchiveIO
import Confinement
import Glibc
import ImageBuild
import SystemPackage

/// A tree as `/` of the programs that change it (nix-dockertools.md, sections 2.7 and 6).
///
/// Bound into it are a few devices, `/proc`, `/sys`, the store, and a directory of our own with the shell and other programs of this machine, for images
/// that have none.
struct ImageRoot {
  private let scratch: ScratchTree
  private let storeDirectory: String
  private let storeRoot: String
  /// Programs of this machine.
  let tools: ToolBox
  /// Where something is mounted, the outer directories first.
  let mountPoints: [String]

  /// What is left out of the layer: nothing that is mounted gets into an image.
  let excludedPaths: [String]

  /// Prepares what commands need that are to be run in `tree`, in its scratch directory.
  init(
    _ tree: ScriptTree, _ scratch: ScratchTree, storeDirectory: String, storeRoot: String
  ) async throws {
    self.scratch = scratch
    self.storeDirectory = storeDirectory
    self.storeRoot = storeRoot
    let names = [".cooper"] + (1...1000).map { ".cooper\($0)" as String }
    let free = names.first { tree.isDirectory(Array($0.utf8)) == nil }
    let place = "/\(free ?? ".cooper")"
    tools = try ToolBox(scratch.work.appending("box"), at: place, storeDirectory: storeDirectory)
    try await tools.fill()
    try Self.makeDevices(in: tools.directory.appending("dev"))
    let isVisible = access(storeRoot + storeDirectory, F_OK) == 0
    mountPoints = ["/dev", "/proc", "/sys"] + (isVisible ? [storeDirectory] : []) + [place]
    excludedPaths = ["/dev", "/proc", "/sys", storeDirectory, place].map { String($0.dropFirst()) }
  }

  /// A script with the tree as `/` and its directory, in namespaces that are not yet those of a user.
  func launch(_ script: Script) throws -> Launch {
    var guest = script
    guest.commands = FilePath("\(tools.place)/\(script.name)")
    guest.report = FilePath("\(tools.place)/\(script.name).failed")
    guest.temporary = FilePath("\(tools.place)/tmp")
    guest.prologue = tools.prologue
    for name in ["", ".failed"] {
      // The box is all that the image sees of the scratch directory.
      guard link(script, name) else {
        throw FileError("create a file in", tools.directory.string, Errno(rawValue: errno))
      }
    }
    var launch = Launch(tools.shellCommand + guest.shellArguments, environment: guest.environment)
    launch.root = scratch.root.string
    launch.processes = scratch.root.string + "/proc"
    launch.binds = binds
    return launch
  }

  private func link(_ script: Script, _ suffix: String) -> Bool {
    let (outside, inside) = (
      scratch.work.appending(script.name + suffix), tools.directory.appending(script.name + suffix)
    )
    let descriptor = open(outside.string, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    if descriptor >= 0 { close(descriptor) }
    return Glibc.link(outside.string, inside.string) == 0
  }

  // MARK: Mounts

  private var binds: [Launch.Bind] {
    let root = scratch.root.string
    var binds: [Launch.Bind] = []
    func bind(_ source: String, _ target: String, isReadOnly: Bool = false) {
      // Nix's sandbox has no /sys, for instance.
      guard access(source, F_OK) == 0 else { return }
      binds.append(Launch.Bind(source: source, target: root + target, isReadOnly: isReadOnly))
    }
    bind(tools.directory.appending("dev").string, "/dev")
    for name in Self.devices { bind("/dev/\(name)", "/dev/\(name)") }
    bind("/sys", "/sys", isReadOnly: true)
    if mountPoints.contains(storeDirectory) {
      bind(storeRoot + storeDirectory, storeDirectory, isReadOnly: true)
    }
    bind(tools.directory.string, tools.place)
    return binds
  }

  /// Those that no script can hurt this machine with.
  private static let devices = ["null", "zero", "full", "random", "urandom", "tty"]

  /// Files that devices are bound over, and the usual links.
  private static func makeDevices(in path: FilePath) throws {
    let directory = try OpenDirectory(path)
    for name in devices { try directory.createFile(Array(name.utf8), [], mode: 0o666) }
    for (name, target) in [
      ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"),
    ] {
      try directory.createLink(Array(name.utf8), to: Array(target.utf8))
    }
    _ = try directory.createDirectory(Array("shm".utf8), mode: 0o1777)
  }

  /// Calls `body` while there are directories to mount something on; of those that were not there before, one that a script has put something in stays.
  func withMountPoints<Value>(_ body: () async throws -> Value) async throws -> Value {
    let top = try OpenDirectory(scratch.root)
    let made = mountPoints.flatMap { Self.makeDirectories($0, in: top) }
    defer { removeMountPoints(made.reversed()) }
    return try await body()
  }

  /// Makes the directory and those above it, and says which had to be made, the outer ones first; a link on the way is not followed.
  private static func makeDirectories(_ path: String, in root: OpenDirectory) -> [String] {
    var made: [String] = []
    var directory = root
    var way = ""
    for name in path.split(separator: "/") {
      way += "/" + name
      if let new = try? directory.createDirectory(Array(name.utf8), mode: 0o755) {
        made.append(way)
        directory = new
      } else if let known = try? directory.directory(Array(name.utf8)) {
        directory = known
      } else {
        break
      }
    }
    return made
  }

  private func removeMountPoints(_ made: [String]) {
    for path in made {
      let names = path.split(separator: "/").map { Array($0.utf8) }
      let parent = names.dropLast().reduce(try? OpenDirectory(scratch.root)) { try? $0?.directory($1) }
      _ = names.last.map { parent?.removeEmptyDirectory($0) }
    }
  }
}
