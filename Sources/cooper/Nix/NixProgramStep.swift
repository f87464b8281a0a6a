import ArchiveIO
import Glibc
import SystemPackage
import VirtualMachine

/// The derivation that tools/nix/add-to-store makes this program of: a package that needs nothing outside of the store.
///
/// Its files are the program, the libraries it loads, and the loader. The program comes out with that loader and those libraries as its own. The guest
/// program, where it is among them, needs neither.
struct NixProgramStep {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  func build() throws {
    let files = try FilePath(step.text("files"))
    let loader = try step.text("loader")
    let directory = step.output.appending("libexec/cooper")
    try FileOutput.makeDirectories(directory)
    for name in try UserFile.names(inDirectory: files.string) ?? [] {
      let file = try FileRange(whole: DirectFile(reading: files.appending(name)))
      var bytes = try file.readAll(limit: 1 << 30)
      if name == "cooper" {
        var program = try ELFProgram(bytes, path: file.file.path)
        try program.setLoader(directory.appending(loader).string)
        try program.searchOwnDirectory()
        bytes = program.bytes
      }
      let isExecutable = ["cooper", GuestProgram.name, loader].contains(name)
      try FileOutput.write(bytes, to: directory.appending(name), mode: isExecutable ? 0o755 : 0o644)
    }
    let programs = step.output.appending("bin")
    try FileOutput.makeDirectories(programs)
    for name in ["cooper", "nix-prefetch-docker"] {
      try OpenDirectory(programs).createLink(
        Array(name.utf8), to: Array("../libexec/cooper/cooper".utf8))
    }
  }
}
