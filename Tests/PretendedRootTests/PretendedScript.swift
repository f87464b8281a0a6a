import ArchiveIO
import Confinement
import Glibc
import PretendedRoot
import TestSupport

/// Runs a script of bash's that believes to be root in a directory of its own, and says what it printed.
struct PretendedScript {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  struct Result {
    let outcome: PretendedRoot.Outcome
    let text: String
    let files: PretendedFiles
  }

  /// - Parameters:
  ///   - files: What is pretended before.
  ///   - capable: Where those are that have capabilities.
  ///   - hasNamespaces: Whether it has processes of its own.
  ///   - seesEveryCall: Whether the tracer looks at every call, as in Nix's sandbox.
  func run(
    _ script: String, files: PretendedFiles = PretendedFiles(), capable: [FileNumber: String] = [:],
    hasNamespaces: Bool = true,
    seesEveryCall: Bool = false
  )
    async throws -> Result
  {
    var launch = Launch(
      [try Program.find("bash"), "-e", "-c", script],
      environment: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"])
    launch.directory = directory.path
    (launch.hasNamespaces, launch.mapsUser) = (hasNamespaces, true)
    launch.processes = hasNamespaces ? "/proc" : nil
    launch.writable = hasNamespaces ? directory.path : nil
    // Not in the directory, which scripts list.
    let output = "\(directory.path).out"
    let descriptor = open(output, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
    defer {
      close(descriptor)
      unlink(output)
    }
    launch.output = descriptor
    return try await Thread.run { [launch] in
      var files = files
      let outcome = try PretendedRoot.run(
        launch, files: &files, capable: capable, seesEveryCall: seesEveryCall)
      let reading = open(output, O_RDONLY | O_CLOEXEC)
      defer { close(reading) }
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      let count = read(reading, &buffer, buffer.count)
      return Result(
        outcome: outcome, text: String(decoding: buffer.prefix(max(0, count)), as: UTF8.self), files: files)
    }
  }

  /// The same script as root, whom nobody has to pretend anything to.
  func runAsRoot(_ script: String) async throws -> String {
    try await Program.check(
      "bash", ["-e", "-c", "cd \"$1\"; { \(script)\n} 2>&1", "bash", directory.path],
      environment: ["PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"]
    ).output.reduce(into: "") { $0.unicodeScalars.append(Unicode.Scalar($1)) }
  }
}
