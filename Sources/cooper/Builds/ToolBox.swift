import ArchiveIO
import Glibc
import Subprocess
import SystemPackage

/// Copies of programs of this machine in a directory: what a script does to them does not reach the machine.
///
/// Programs of the store are there inside of an image, too, and are not copied. Others may find another C library there or none, so they are started by
/// a copy of their own loader, with copies of their own libraries.
struct ToolBox {
  /// Programs that scripts may call when the image does not have them.
  private static let tools = """
    [ awk basename bzip2 cat chgrp chmod chown cmp comm cp cut date dd diff dirname du echo env expr \
    false find fold getent grep groupadd gzip head id install ln ls md5sum mkdir mkfifo mknod mktemp mv \
    nl od paste printf pwd readlink realpath rm rmdir sed seq setcap setfacl setfattr sha256sum sleep sort split stat \
    tail tar tee test touch tr true truncate uname uniq unlink useradd usermod wc xargs xz
    """

  /// The directory, with `bin`, `lib`, `loader` and an empty `tmp`.
  let directory: FilePath
  /// Where it is in the image.
  let place: String
  private let shell: String
  private let storeDirectory: String

  /// A new directory, without anything in it yet.
  init(_ directory: FilePath, at place: String, storeDirectory: String) throws {
    (self.directory, self.place, self.storeDirectory) = (directory, place, storeDirectory)
    shell = try ScriptProgram("bash", package: "bash").path
    let top = try OpenDirectory(directory.removingLastComponent())
    let own = try top.createDirectory(Array((directory.lastComponent?.string ?? "").utf8), mode: 0o755)
    for name in ["bin", "lib", "tmp", "dev"] { _ = try own.createDirectory(Array(name.utf8), mode: 0o755) }
  }

  /// Copies the shell and the tools that are in `PATH`.
  func fill() async throws {
    let path = ProcessEnvironment.current["PATH"] ?? "/usr/bin:/bin"
    let result = try await Subprocess.run(
      .path(FilePath(shell)),
      arguments: ["-e", "-c", Self.copying, "bash", directory.string, storeDirectory, shell, Self.tools],
      environment: .custom(["PATH": path, "LC_ALL": "C"]), input: .none, output: .discarded,
      error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
    guard result.terminationStatus.isSuccess else {
      throw ScriptFailure(name: "bash", reason: "copying it and other programs for scripts failed")
    }
  }

  /// How the shell is started in the image.
  var shellCommand: [String] {
    if shell.hasPrefix(storeDirectory + "/") { return [shell] }
    let program = "\(place)/bin/\(FilePath(shell).lastComponent?.string ?? "bash")"
    guard access(directory.appending("loader").string, F_OK) == 0 else { return [program] }
    return ["\(place)/loader", "--library-path", "\(place)/lib", "--argv0", "bash", program]
  }

  /// Lets bash find the programs of this machine after those of the image and of `PATH`.
  var prologue: String {
    """
    command_not_found_handle() {
      local name=$1; shift
      if [[ ! -e \(place)/bin/$name ]]; then
        printf '%s: command not found, neither in the image nor among the common programs of this machine\\n' "$name" >&2
        return 127
      fi
      if [[ -e \(place)/loader ]]; then
        \(place)/loader --library-path \(place)/lib --argv0 "$name" "\(place)/bin/$name" "$@"
      else
        "\(place)/bin/$name" "$@"
      fi
    }
    export -f command_not_found_handle
    """
  }

  private static let copying = #"""
    box=$1 store=$2 shell=$3 tools=$4
    programs=()
    [[ $shell == "$store"/* ]] || programs+=("$shell")
    for name in $tools; do
      program=$(type -P "$name") || continue
      [[ $program == "$store"/* ]] || programs+=("$program")
    done
    [[ ${#programs[@]} -gt 0 ]] || exit 0
    cp -L -- "${programs[@]}" "$box/bin/"
    declare -A libraries=()
    loader=
    note() {
      while read -r name arrow file _; do
        if [[ $arrow == '=>' && $file == /* ]]; then
          [[ $file == "$store"/* ]] || libraries[${file##*/}]=$file
        elif [[ $name == /* && $arrow == '('* ]]; then
          loader=$name
        fi
      done
    }
    # ldd starts three processes for each program, so it is only asked for the loader, which can say the rest itself.
    note < <(ldd "${programs[0]}" 2>/dev/null || true)
    if [[ -n $loader ]]; then
      note < <(for program in "${programs[@]:1}"; do "$loader" --list "$program" 2>/dev/null || true; done)
    else
      note < <(ldd "${programs[@]}" 2>/dev/null || true)
    fi
    [[ ${#libraries[@]} -eq 0 ]] || cp -L -- "${libraries[@]}" "$box/lib/"
    [[ -z $loader ]] || cp -L -- "$loader" "$box/loader"
    """#
}
