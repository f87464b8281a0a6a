import ImageBuild
import OrderedJSON
import SystemPackage

/// Derivations of small files.
struct NixFileSteps {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  /// A text as the output itself.
  func text() throws {
    try FileOutput.write(Array(step.text("text").utf8), to: step.output)
  }

  /// The command that builds, for an image with a build environment.
  func buildProgram() throws {
    let text = EnvironmentShell.buildProgram(shell: try step.text("shell"), command: step.texts("command"))
    let directory = step.output.appending("bin")
    try FileOutput.makeDirectories(directory)
    try FileOutput.write(Array(text.utf8), to: directory.appending("buildDerivation"), mode: 0o755)
  }

  /// What the shell of such an image begins with.
  func shellStart() throws {
    let commands: EnvironmentShell.Commands =
      if let commands = step.optionalText("command") {
        .typed(commands)
      } else if let commands = step.optionalText("run") {
        .run(commands)
      } else {
        .none
      }
    let shell = EnvironmentShell(
      program: try step.text("shell"), buildDirectory: try step.text("buildDerivation"), commands: commands)
    try FileOutput.write(Array(shell.startupFile.utf8), to: step.output)
  }

  /// The directories of such an image that a build writes to.
  func shellDirectories() throws {
    for name in EnvironmentShell.directories {
      try FileOutput.makeDirectories(step.output.appending(name))
    }
  }

  /// One of the helpers.
  func helper() throws {
    let helper = try HelperName(checking: step.text("helper"))
    let tree =
      if helper == .fakeNss {
        try HelperTree.fakeNss(
          extraPasswdLines: step.texts("extraPasswdLines"), extraGroupLines: step.texts("extraGroupLines"))
      } else {
        try helper.tree(
          path: step.optionalText("target"),
          storeDirectory: SpecBuild.storeDirectory
        ) { try UserFile.contents(of: $0) }
      }
    try FileOutput.makeDirectories(step.output)
    try tree.write(into: step.output)
  }
}
