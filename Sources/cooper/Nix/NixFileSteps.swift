import ImageBuild
import OrderedJSON
import SystemPackage

/// Derivations of small files.
struct NixFileSteps {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  /// A text as the output itself, or as a file below it.
  func text() throws {
    let mode: UInt32 = step.flag("executable") ? 0o755 : 0o644
    var path = step.output
    if let destination = step.optionalText("destination") {
      path.append(destination)
      try FileOutput.makeDirectories(path.removingLastComponent())
    }
    try FileOutput.write(Array(step.text("text").utf8), to: path, mode: mode)
  }

  /// Empty directories.
  func directories() throws {
    for name in step.texts("directories") {
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
          storeDirectory: ProcessEnvironment.current["NIX_STORE_DIR"] ?? "/nix/store"
        ) { try UserFile.contents(of: $0) }
      }
    try FileOutput.makeDirectories(step.output)
    try tree.write(into: step.output)
  }
}
