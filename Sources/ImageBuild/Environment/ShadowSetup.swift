/// What the programs of shadow (`useradd`, `groupadd`) need to find in `/etc`: as files, and as the script that makes them.
///
/// nixpkgs has only the script, and leaves password files readable for everybody; here they are for root alone.
enum ShadowSetup {
  /// Files that are written together, when the first of them is not there.
  private typealias Group = [(path: String, lines: [String], mode: UInt16)]

  private static func groups(shell: String) -> [Group] {
    [
      [
        ("etc/passwd", ["root:x:0:0::/root:\(shell)"], 0o644), ("etc/shadow", ["root:!x:::::::"], 0o600),
      ],
      [("etc/group", ["root:x:0:"], 0o644), ("etc/gshadow", ["root:x::"], 0o600)],
      [
        (
          "etc/pam.d/other",
          [
            "account sufficient pam_unix.so", "auth sufficient pam_rootok.so",
            "password requisite pam_unix.so nullok yescrypt", "session required pam_unix.so",
          ], 0o644
        )
      ],
      [("etc/login.defs", [], 0o644)],
    ]
  }

  /// The files that the script leaves where nothing was.
  static func files(shell: String) -> [(path: String, content: HelperTree.Content)] {
    groups(shell: shell).joined().map { ($0.path, HelperTree.file($0.lines, mode: $0.mode)) }
  }

  /// A bash script that adds what is missing below `root`.
  static func script(shell: String, binaries: String?, root: String = "") -> String {
    var lines = binaries.map { ["export PATH=\(ShellText.quoted($0)):$PATH"] } ?? []
    lines.append("mkdir -p \(ShellText.quoted(root + "/etc/pam.d"))")
    for group in groups(shell: shell) {
      guard let first = group.first else { continue }
      lines.append("if [ ! -f \(ShellText.quoted(root + "/" + first.path)) ]; then")
      for file in group {
        let path = ShellText.quoted(root + "/" + file.path)
        let content =
          file.lines.isEmpty
          ? ": " : "printf '%s\\n' \(file.lines.map(ShellText.quoted).joined(separator: " ")) "
        lines += ["  \(content)> \(path)", "  chmod \(String(file.mode, radix: 8)) \(path)"]
      }
      lines.append("fi")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension HelperTree {
  /// The files that shadow's programs need, with root as the only user; `shell` is root's.
  public static func shadowSetup(shell: String) throws(HelperError) -> HelperTree {
    try checked(shell, for: .shadowSetup)
    return HelperTree(ShadowSetup.files(shell: shell))
  }

  /// The same as a script for `fakeRootCommands` with `enableFakechroot`, which leaves alone what is there.
  ///
  /// - Parameter binaries: the directory of shadow's programs, which is put in front of `PATH`.
  public static func shadowSetupScript(shell: String, binaries: String?) throws(HelperError) -> String {
    try checked(shell, for: .shadowSetup)
    return ShadowSetup.script(shell: shell, binaries: binaries)
  }
}
