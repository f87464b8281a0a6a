import ArchiveIO
import Confinement
import Glibc
import ImageBuild
import SystemPackage

/// A tree as `/` of the programs that change it, in namespaces or through `proot` (nix-dockertools.md, sections 2.7 and 6).
///
/// Bound into it are `/dev`, `/proc`, `/sys`, the store, and a directory of our own with the shell and other programs of this machine, for images that
/// have none. Those are copies: what a script does to them does not reach the machine.
struct ImageRoot {
  /// Programs of this machine that scripts may call when the image does not have them.
  private static let tools = """
    [ awk basename bzip2 cat chgrp chmod chown cmp comm cp cut date dd diff dirname du echo env expr \
    false find fold getent grep groupadd gzip head id install ln ls md5sum mkdir mkfifo mknod mktemp mv \
    nl od paste printf pwd readlink realpath rm rmdir sed seq sha256sum sleep sort split stat tail tar \
    tee test touch tr true truncate uname uniq unlink useradd usermod wc xargs xz
    """

  private let scratch: ScratchTree
  private let storeDirectory: String
  private let storeRoot: String
  /// Our own directory, on this machine and in the image.
  private let box: FilePath
  /// The directory of our own, as the image sees it.
  let guestBox: String
  private let mountPoints: [String]

  /// What is left out of the layer: nothing that is mounted gets into an image.
  let excludedPaths: [String]

  /// Prepares a tree that commands are to be run in.
  init(_ scratch: ScratchTree, storeDirectory: String, storeRoot: String) throws {
    self.scratch = scratch
    self.storeDirectory = storeDirectory
    self.storeRoot = storeRoot
    box = scratch.work.appending("box")
    for path in [box, box.appending("bin"), box.appending("lib"), box.appending("tmp"), box.appending("dev")]
    {
      guard mkdir(path.string, 0o755) == 0 else {
        throw FileError("create the directory", path.string, Errno(rawValue: errno))
      }
    }
    let names = [".cooper"] + (1...1000).map { ".cooper\($0)" as String }
    let free = names.first { access(scratch.root.appending($0).string, F_OK) != 0 }
    guestBox = "/\(free ?? ".cooper")"
    let visible =
      ["/dev", "/proc", "/sys"] + (access(storeRoot + storeDirectory, F_OK) == 0 ? [storeDirectory] : [])
    mountPoints = visible + [guestBox]
    excludedPaths = (["/dev", "/proc", "/sys", storeDirectory, guestBox]).map { String($0.dropFirst()) }
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

  /// Calls `body` while there are directories to mount something on; of those that were not there before, one that a script has put something in stays.
  func withMountPoints<Value>(_ body: () async throws -> Value) async throws -> Value {
    let top = try OpenDirectory(scratch.root)
    let made = mountPoints.flatMap { Self.makeDirectories($0, in: top) }
    defer { removeMountPoints(made.reversed()) }
    return try await body()
  }

  private func removeMountPoints(_ made: [String]) {
    for path in made {
      let names = path.split(separator: "/").map { Array($0.utf8) }
      let parent = names.dropLast().reduce(try? OpenDirectory(scratch.root)) { try? $0?.directory($1) }
      _ = names.last.map { parent?.removeEmptyDirectory($0) }
    }
  }

  /// What is to be run for a script.
  ///
  /// - Parameter hasOwnProcesses: Whether a fresh `/proc` is made, so that this machine's is not needed.
  func command(
    _ script: Script, shell: String, hasOwnProcesses: Bool,
    prefix: (_ root: String, _ binds: [Namespaces.Bind]) throws -> [String]
  ) throws -> [String] {
    var guest = script
    guest.commands = FilePath("\(guestBox)/\(script.name)")
    guest.report = FilePath("\(guestBox)/\(script.name).failed")
    guest.prologue = prologue
    for name in ["", ".failed"] {
      // The box is all that the image sees of the scratch directory.
      guard link(script, name) else {
        throw FileError("create a file in", box.string, Errno(rawValue: errno))
      }
    }
    let launcher = [box.string, guestBox, storeDirectory, shell, Self.tools]
    let own = try prefix(scratch.root.string, bindings(withProcesses: !hasOwnProcesses))
    let arguments = guest.shellArguments
    return [shell, "-e", "-c", Self.launcher, "bash"] + launcher + ["\(own.count)"] + own + arguments
  }

  private func link(_ script: Script, _ suffix: String) -> Bool {
    let (outside, inside) = (
      scratch.work.appending(script.name + suffix), box.appending(script.name + suffix)
    )
    let descriptor = open(outside.string, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    if descriptor >= 0 { close(descriptor) }
    return Glibc.link(outside.string, inside.string) == 0
  }

  private func bindings(withProcesses: Bool) throws -> [Namespaces.Bind] {
    // Processes of a namespace of one's own are what a fresh /proc shows.
    try mountPoints.filter { $0 != "/proc" || withProcesses }.map { point in
      let source =
        switch point {
        case "/dev": try devices()
        case guestBox: box.string
        case storeDirectory: storeRoot + storeDirectory
        default: point
        }
      return Namespaces.Bind(
        source: source, target: point, isReadOnly: point == "/sys" || point == storeDirectory)
    }
  }

  /// A directory of devices that a script cannot hurt this machine with.
  ///
  /// Only root can make one, and only root needs it: for anybody else this machine's own is as safe.
  private func devices() throws -> String {
    let directory = box.appending("dev")
    let devices: [(name: String, number: dev_t)] = [
      ("null", 0x103), ("zero", 0x105), ("full", 0x107), ("random", 0x108), ("urandom", 0x109),
      ("tty", 0x500),
    ]
    for (name, number) in devices {
      let path = directory.appending(name).string
      guard mknod(path, S_IFCHR | 0o666, number) == 0, chmod(path, 0o666) == 0 else { return "/dev/" }
    }
    // On file systems that are mounted without devices nobody can open one.
    guard let null = try? FileDescriptor.open(directory.appending("null"), .writeOnly) else { return "/dev/" }
    try null.close()
    let folder = try OpenDirectory(directory)
    for (name, target) in [
      ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"),
    ] {
      try folder.createLink(Array(name.utf8), to: Array(target.utf8))
    }
    _ = try folder.createDirectory(Array("shm".utf8), mode: 0o1777)
    return directory.string
  }

  /// Lets bash find the programs of this machine after those of the image and of `PATH`.
  private var prologue: String {
    """
    command_not_found_handle() {
      local name=$1; shift
      if [[ ! -e \(guestBox)/bin/$name ]]; then
        printf '%s: command not found, neither in the image nor among the common programs of this machine\\n' "$name" >&2
        return 127
      fi
      if [[ -e \(guestBox)/loader ]]; then
        \(guestBox)/loader --library-path \(guestBox)/lib --argv0 "$name" "\(guestBox)/bin/$name" "$@"
      else
        "\(guestBox)/bin/$name" "$@"
      fi
    }
    export -f command_not_found_handle
    export TMPDIR=\(guestBox)/tmp
    """
  }

  /// Runs under fakeroot, outside of the image: copies programs, then starts proot without fakeroot and the shell inside with it.
  ///
  /// Programs of the store are there inside, too. Others may find another C library inside or none, so they are started by a copy of their own
  /// loader, with copies of their own libraries.
  private static let launcher = #"""
    box=$1 guest=$2 store=$3 shell=$4 tools=$5 count=$6
    shift 6
    proot=("${@:1:count}")
    shift "$count"
    library=$LD_PRELOAD search=$LD_LIBRARY_PATH
    unset LD_PRELOAD LD_LIBRARY_PATH
    if [[ -n $library && $library != /* ]]; then
      IFS=: read -ra directories <<<"$search"
      for directory in "${directories[@]}"; do
        if [[ -r $directory/$library ]]; then
          library=$directory/$library
          break
        fi
      done
    fi
    programs=()
    [[ $shell == "$store"/* ]] || programs+=("$shell")
    for name in $tools; do
      program=$(type -P "$name") || continue
      [[ $program == "$store"/* ]] || programs+=("$program")
    done
    declare -A libraries=()
    [[ -z $library || $library == "$store"/* ]] || libraries[$library]=1
    loader=
    [[ ! -e $box/loader ]] || loader=$box/loader
    if [[ ${#programs[@]} -gt 0 && ! -e $box/bin/${shell##*/} ]]; then
      cp -L -- "${programs[@]}" "$box/bin/"
      while read -r name arrow file _; do
        if [[ $arrow == '=>' && $file == /* ]]; then
          [[ $file == "$store"/* ]] || libraries[$file]=1
        elif [[ $name == /* && $arrow == '('* ]]; then
          loader=$name
        fi
      done < <(ldd "${programs[@]}" 2>/dev/null || true)
    fi
    for file in "${!libraries[@]}"; do cp -fL -- "$file" "$box/lib/"; done
    [[ -z $loader || -e $box/loader ]] || cp -L -- "$loader" "$box/loader"
    if [[ $shell == "$store"/* ]]; then
      run=("$shell")
    elif [[ -n $loader ]]; then
      run=("$guest/loader" --library-path "$guest/lib" --argv0 bash "$guest/bin/${shell##*/}")
    else
      run=("$guest/bin/${shell##*/}")
    fi
    # Real root needs nothing to be pretended.
    [[ -n $library ]] || exec "${proot[@]}" "${run[@]}" "$@"
    [[ $library == "$store"/* ]] || library=$guest/lib/${library##*/}
    export PROOT_TMP_DIR=$TMPDIR PROOT_DONT_POLLUTE_ROOTFS=1
    inside='export LD_PRELOAD=$1; shift; unset PROOT_TMP_DIR PROOT_DONT_POLLUTE_ROOTFS; exec "$@"'
    exec "${proot[@]}" "${run[@]}" -c "$inside" bash "$library" "${run[@]}" "$@"
    """#
}
