import ArgumentParser
import ArchiveIO
import Glibc
import OrderedJSON
import SystemPackage

/// Derivations that fetch and convert archives: each is one of the program's commands.
struct NixArchiveSteps {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  private func run(_ command: String, _ arguments: [String]) async throws {
    var command = try Cooper.parseAsRoot([command] + arguments)
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }

  /// Fetches an image from a registry; Nix itself compares the hash.
  func pull() async throws {
    if let certificates = step.optionalText("certificates") { setenv("SSL_CERT_FILE", certificates, 1) }
    Self.forgetHiddenFiles()
    let logins = try NixLogins(step).file()
    try await run(
      "pull",
      [
        "\(step.text("imageName"))@\(step.text("imageDigest"))", "-o", "docker-archive:\(step.output)",
        "--os", step.text("os"), "--arch", step.text("arch"),
        "--final-image-name", step.text("finalImageName"), "--final-image-tag", step.text("finalImageTag"),
        "--tls-verify=\(step.flag("tlsVerify"))",
      ] + (logins.map { ["--authfile", $0.string] } ?? []))
  }

  /// Lets variables of the user's count for nothing that name files which the sandbox hides: most images need none of them.
  private static func forgetHiddenFiles() {
    for name in ["NIX_SSL_CERT_FILE", "REGISTRY_AUTH_FILE", "NETRC", "CONTAINERS_REGISTRIES_CONF"] {
      guard let path = ProcessEnvironment.current[name], access(path, R_OK) != 0 else { continue }
      unsetenv(name)
      Console.error(
        "cooper: warning: \(name) is \(path), which this build cannot see, and is left out; Nix's option extra-sandbox-paths shows it"
      )
    }
  }

  /// Writes the file system of an image.
  func export() async throws {
    var location = try step.text("fromImage")
    if let name = step.optionalText("fromImageName"), let tag = step.optionalText("fromImageTag") {
      location = "docker-archive:\(location):\(name):\(tag)"
    }
    var options = ["-o", step.output.string]
    if step.flag("vm") {
      try setKernel()
      options += ["--vm", "--disk-size", String(try step.number("diskSize"))]
    }
    try await run("export", [location] + options)
  }

  /// Lets virtual machines start the kernel of the derivation, whose image and modules are packages of nixpkgs.
  private func setKernel() throws {
    let directory = step.scratch.appending("kernel")
    try FileOutput.makeDirectories(directory)
    let place = try OpenDirectory(directory)
    for (name, package) in [("bzImage", "kernel"), ("lib", "modules")] {
      try place.createLink(Array(name.utf8), to: Array("\(step.text(package))/\(name)".utf8))
    }
    setenv("COOPER_KERNEL", directory.string, 1)
  }

  /// Puts images into one archive, which is compressed as the last one is.
  func merge() async throws {
    let images = step.texts("images")
    let compressor = try images.last.map(Self.compressor) ?? "none"
    try await run("merge", images + ["-o", step.output.string, "--compressor", compressor])
  }

  private static func compressor(of image: String) throws -> String {
    let start = try FileRange(whole: DirectFile(reading: FilePath(image))).prefix(
      Compression.signatureByteCount)
    return switch Compression(firstBytes: start) {
    case .gzip: "gz"
    case .zstd: "zstd"
    default: "none"
    }
  }
}
