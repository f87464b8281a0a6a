import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import ImageBuild

/// The environment helpers (nix-dockertools.md, section 11).
@Suite struct HelperTreeTests {
  private static let hash = String(repeating: "0", count: 32)

  /// Each entry in a line: path, and a directory's slash, a file's mode and text, or a link's target.
  private static func lines(_ tree: HelperTree) -> [String] {
    tree.entries.map { entry in
      switch entry.content {
      case .directory: "\(entry.path)/"
      case .file(let bytes, let mode):
        "\(entry.path) \(String(mode, radix: 8)) \(String(decoding: bytes, as: UTF8.self))"
      case .link(let target): "\(entry.path) -> \(target)"
      }
    }
  }

  @Test func `fakeNss has root, nobody, and the lines between in their order`() throws {
    let tree = try HelperTree.fakeNss(extraPasswdLines: ["b:", "a:"], extraGroupLines: ["g:"])
    #expect(
      Self.lines(tree) == [
        "etc/", "etc/group 644 root:x:0:\ng:\nnobody:x:65534:\n", "etc/nsswitch.conf 644 hosts: files dns\n",
        "etc/passwd 644 root:x:0:0:root user:/var/empty:/bin/sh\nb:\na:\nnobody:x:65534:65534:nobody:/var/empty:/bin/sh\n",
        "var/", "var/empty/",
      ])
    #expect(throws: HelperError.self) { try HelperTree.fakeNss(extraPasswdLines: ["a\nb"]) }
    #expect(throws: HelperError.self) { try HelperTree.fakeNss(extraGroupLines: ["a\n"]) }
  }

  @Test(arguments: [
    (HelperName.usrBinEnv, ["usr/", "usr/bin/", "usr/bin/env -> /nix/store/HASH-p/bin/env"]),
    (.binSh, ["bin/", "bin/sh -> /nix/store/HASH-p/bin/bash"]),
    (
      .caCertificates,
      [
        "etc/", "etc/pki/", "etc/pki/tls/", "etc/pki/tls/certs/",
        "etc/pki/tls/certs/ca-bundle.crt -> /nix/store/HASH-p/etc/ssl/certs/ca-bundle.crt", "etc/ssl/",
        "etc/ssl/certs/", "etc/ssl/certs/ca-bundle.crt -> /nix/store/HASH-p/etc/ssl/certs/ca-bundle.crt",
        "etc/ssl/certs/ca-certificates.crt -> /nix/store/HASH-p/etc/ssl/certs/ca-bundle.crt",
      ]
    ),
  ])
  func `a package in the store is what the links lead into`(name: HelperName, expected: [String]) throws {
    let tree = try name.tree(path: "/nix/store/\(Self.hash)-p") { _ in [] }
    #expect(Self.lines(tree) == expected.map { $0.replacingOccurrences(of: "HASH", with: Self.hash) })
  }

  @Test func `certificates outside of the store are copied once`() throws {
    let tree = try HelperName.caCertificates.tree(path: "/etc/ssl/certs/ca-certificates.crt") {
      Array($0.utf8)
    }
    #expect(
      Self.lines(tree).filter { !$0.hasSuffix("/") } == [
        "etc/pki/tls/certs/ca-bundle.crt -> /etc/ssl/certs/ca-bundle.crt",
        "etc/ssl/certs/ca-bundle.crt 644 /etc/ssl/certs/ca-certificates.crt",
        "etc/ssl/certs/ca-certificates.crt -> /etc/ssl/certs/ca-bundle.crt",
      ])
  }

  @Test func `a store elsewhere has packages too`() throws {
    let tree = try HelperName.binSh.tree(path: "/s/\(Self.hash)-p", storeDirectory: "/s") { _ in [] }
    #expect(Self.lines(tree).last == "bin/sh -> /s/\(Self.hash)-p/bin/bash")
    let inside = try HelperName.binSh.tree(path: "/nix/store/\(Self.hash)-p/bin/dash") { _ in [] }
    #expect(Self.lines(inside).last == "bin/sh -> /nix/store/\(Self.hash)-p/bin/dash")
  }

  @Test(
    arguments: [
      (HelperName.binSh, nil), (.usrBinEnv, nil), (.caCertificates, nil), (.shadowSetup, nil),
      (.binSh, "bash"),
      (.binSh, "/bin/sh"), (.usrBinEnv, "/usr/bin/env"), (.shadowSetup, "sh"), (.binSh, "/a\nb"),
    ] as [(HelperName, String?)])
  func `a link that could lead nowhere is refused`(name: HelperName, path: String?) {
    #expect(throws: HelperError.self) { try name.tree(path: path) { _ in [] } }
  }

  @Test(arguments: [("fakenss", "fakeNss"), ("bin-sh", "binSh"), ("shadow", "shadowSetup")])
  func `a wrong name gets the nearest one, or all`(text: String, word: String) {
    let error = #expect(throws: HelperError.self) { try HelperName(checking: text) }
    #expect(error?.description.contains(word) == true)
  }

  // MARK: shadowSetup

  /// What find(1) says of a tree: path, kind, mode and target.
  private static func listing(_ directory: String) async throws -> String {
    try await Program.check(
      "/bin/sh", ["-c", "find . -printf '%p %y %m %l\\n' | sort; find . -type f | sort | xargs cat"],
      workingDirectory: directory
    ).text
  }

  @Test(arguments: ["000", "022", "077"])
  func `the script of shadowSetup makes the files of its tree, whatever the creation mask`(mask: String)
    async throws
  {
    let (scripted, written) = try (TemporaryDirectory(), TemporaryDirectory())
    defer { for directory in [scripted, written] { directory.remove() } }
    let shell = "/it's here/bash"
    let script = ShadowSetup.script(shell: shell, binaries: "/a b", root: scripted.path)
    // As in fakeRootCommands, which run with `bash -e` under mask 022; only directories follow the mask.
    let result = try await Program.check(
      "bash",
      ["-e", "-c", "umask \(mask)\n\(script)find etc -type d -exec chmod 755 {} +\nprintf %s \"$PATH\""],
      workingDirectory: scripted.path)
    #expect(result.text.hasPrefix("/a b:"))
    try HelperTree.shadowSetup(shell: shell).write(into: FilePath(written.path))
    let expected = try await Self.listing(written.path)
    #expect(try await Self.listing(scripted.path) == expected)
    #expect(expected.contains("root:x:0:0::/root:/it's here/bash\n"))
    #expect(expected.contains("password requisite pam_unix.so nullok yescrypt\n"))
    #expect(expected.contains("./etc/shadow f 600") && expected.contains("./etc/passwd f 644"))
  }

  @Test func `the script leaves alone what is there`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    for name in ["passwd", "group", "pam.d/other", "login.defs"] {
      try directory.write("mine", to: "etc/" + name)
    }
    let before = try await Self.listing(directory.path)
    let script = ShadowSetup.script(shell: "/bin/bash", binaries: nil, root: directory.path)
    try await Program.check("bash", ["-e", "-c", script])
    #expect(try await Self.listing(directory.path) == before)
  }
}
