import ArgumentParser
import ImageBuild
import OrderedJSON
import SystemPackage

/// `cooper helper`: the environment helpers of dockerTools.
struct Helper: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes what programs expect around them: /bin/sh, /usr/bin/env, certificates, users.",
    discussion: """
      Examples:
        cooper helper --list
        cooper helper fakeNss -o nss --extra-passwd-line 'app:x:1000:1000::/data:/bin/sh'
        cooper helper binSh -o sh --bash /nix/store/…-bash-interactive-5.2
        cooper helper caCertificates -o certificates --cacert /etc/ssl/certs/ca-certificates.crt
        cooper helper shadowSetup --script --bash /bin/bash

      A path in the store is a package, and the helper leads to the program in it; any other path is the program itself. \
      Certificates outside of the store are copied. In a build spec, “contents” takes "helper:NAME" and "helper:NAME=PATH".
      """)

  @Argument(help: ArgumentHelp("The helper's name, as in --list.", valueName: "name"))
  var name: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The directory to create.", valueName: "dir"))
  var output: String?

  @Option(help: ArgumentHelp("For usrBinEnv: the package, or the program env.", valueName: "path"))
  var coreutils: String?

  @Option(help: ArgumentHelp("For binSh and shadowSetup: the package, or the shell.", valueName: "path"))
  var bash: String?

  @Option(help: ArgumentHelp("For caCertificates: the package, or a bundle.", valueName: "path"))
  var cacert: String?

  @Option(
    help: ArgumentHelp(
      "For shadowSetup --script: the package, or the directory of programs.", valueName: "path"))
  var shadow: String?

  @Option(help: ArgumentHelp("For fakeNss: a line between root and nobody in etc/passwd.", valueName: "line"))
  var extraPasswdLine: [String] = []

  @Option(help: ArgumentHelp("For fakeNss: the same in etc/group.", valueName: "line"))
  var extraGroupLine: [String] = []

  @Flag(help: "Print shadowSetup as a script for “fakeRootCommands” instead.")
  var script = false

  @Flag(help: "Print the names of all helpers.")
  var list = false

  @Flag(help: "With --list, print JSON.")
  var json = false

  mutating func validate() throws {
    if list { return }
    guard let name else { throw ValidationError("a helper's name is missing; see --list") }
    // A name that is none gets an answer of its own.
    guard let helper = HelperName(rawValue: name) else { return }
    if script {
      guard helper == .shadowSetup else { throw ValidationError("--script is for shadowSetup") }
    } else if output == nil {
      throw ValidationError("-o DIR is missing")
    }
    guard helper == .fakeNss || extraPasswdLine.isEmpty && extraGroupLine.isEmpty else {
      throw ValidationError("--extra-passwd-line and --extra-group-line are for fakeNss")
    }
  }

  mutating func run() throws {
    if list { return try printList() }
    do {
      let helper = try HelperName(checking: name ?? "")
      if script { return try Console.output(Array(shadowScript().utf8)) }
      try HelperDirectory.write(tree(of: helper), to: FilePath(output ?? ""))
    } catch let error as HelperError {
      throw UsageError(error.description)
    }
  }

  private func printList() throws {
    if json {
      let entries = HelperName.allCases.map { ($0.rawValue, JSONValue.string($0.summary)) }
      return try Console.output(
        entries.reduce(into: JSONObject()) { $0[$1.0] = $1.1 })
    }
    let width = HelperName.allCases.map(\.rawValue.count).max() ?? 0
    for name in HelperName.allCases {
      let padding = String(repeating: " ", count: width - name.rawValue.count)
      try Console.output("\(name)\(padding)  \(name.summary)")
    }
  }

  private func tree(of helper: HelperName) throws -> HelperTree {
    if helper == .fakeNss {
      return try .fakeNss(extraPasswdLines: extraPasswdLine, extraGroupLines: extraGroupLine)
    }
    return try helper.tree(path: path(of: helper)) { try UserFile.contents(of: $0) }
  }

  private func path(of helper: HelperName) -> String? {
    switch helper.package {
    case .coreutils: coreutils
    case .bash: bash
    case .cacert: cacert
    case nil: nil
    }
  }

  private func shadowScript() throws -> String {
    guard let bash else { throw HelperError.missing(.shadowSetup, .bash) }
    let programs = shadow.map { HelperName.Package.isPackage($0) ? $0 + "/bin" : $0 }
    return try HelperTree.shadowSetupScript(
      shell: HelperName.Package.bash.target(at: bash), binaries: programs)
  }
}
