import ArchiveIO
import SystemPackage

/// The shell of an image with a derivation's build environment: what it is started with, and the command that builds
/// (nix-dockertools.md, sections 12.2 to 12.4).
public struct EnvironmentShell: Hashable, Sendable {
  /// What it does when it is started.
  public enum Commands: Hashable, Sendable {
    /// Somebody types.
    case none
    /// These commands, as if somebody had typed them, and then it ends.
    case typed(String)
    /// These commands, and then it ends.
    case run(String)
  }

  /// The path of bash.
  public var program: String
  /// The directory in which `bin/buildDerivation` is.
  public var buildDirectory: String
  /// What it does when it is started.
  public var commands: Commands

  /// A shell.
  public init(program: String, buildDirectory: String, commands: Commands) {
    (self.program, self.buildDirectory, self.commands) = (program, buildDirectory, commands)
  }

  /// Where programs are searched before the derivation's own.
  public var searchPath: String {
    "\(FilePath(program).removingLastComponent()):\(buildDirectory)/bin"
  }

  /// What is run when a container is started; `startupFile` is where the text of that name is.
  public func command(startupFile: String) -> [String] {
    if case .run = commands { [program, startupFile] } else { [program, "--rcfile", startupFile] }
  }

  /// The commands that the shell begins with.
  public var startupFile: String {
    let (path, program) = (ShellText.quoted(searchPath), ShellText.quoted(program))
    let text = #"""
      unset PATH
      dontAddDisableDepTrack=1
      if [ -e "${stdenv-}/setup" ]; then source "$stdenv/setup"; fi
      PATH=\#(path)${PATH:+:$PATH}
      SHELL=\#(program)
      BASH=\#(program)
      set +e
      if [ -n "${PS1-}" ] && [ -z "${NIX_SHELL_PRESERVE_PROMPT-}" ]; then
        PS1='\n\[\033[1;32m\][nix-shell:\w]\$\[\033[0m\] '
      fi
      if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi
      unset NIX_ENFORCE_PURITY
      shopt -u nullglob
      shopt -s execfail

      """#
    return switch commands {
    case .none: text
    case .typed(let commands), .run(let commands): "\(text)\(commands)\nexit\n"
    }
  }

  /// The program `buildDerivation`: it becomes the derivation's builder, with its arguments.
  ///
  /// - Parameter command: the builder and its arguments.
  public static func buildProgram(shell: String, command: [String]) -> String {
    "#!\(shell)\nexec \(command.map(ShellText.quoted).joined(separator: " "))\n"
  }

  /// The directories that a build writes to, which belong to the user; without slash in front.
  public static let directories = ["nix/store", "nix/var/nix", "etc/nix", "build"]

  /// The users: root, nobody, and the one that builds.
  public static func users(uid: Int64, gid: Int64, home: String) throws(HelperError) -> HelperTree {
    try .fakeNss(
      extraPasswdLines: ["nixbld:x:\(uid):\(gid):Build user:\(home):/noshell"],
      extraGroupLines: ["nixbld:!:\(gid):"])
  }
}
