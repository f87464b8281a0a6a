import ArgumentParser
import Glibc

/// The program.
///
/// Its name decides what it is: called `nix-prefetch-docker` it is that program.
@main
struct Cooper: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cooper",
    abstract: "Makes, fetches and reshapes container images.",
    discussion: """
      Exit status: 0 done, 1 failed, 2 wrong usage, 3 digest or hash mismatch, 4 not found, 5 denied.
      """,
    version: "0.1.0",
    subcommands: [
      Pull.self, Prefetch.self, Copy.self, Push.self, AppendCommand.self, FlattenCommand.self, Mutate.self,
      RebaseCommand.self,
      IndexCommand.self, Verify.self,
      Inspect.self, Layers.self, Diff.self,
      Serve.self,
      ManifestCommand.self,
      ConfigCommand.self, DigestCommand.self,
      Export.self, Merge.self, Build.self, Stream.self, Spec.self, Helper.self, Tags.self, Catalog.self,
      Delete.self, Doctor.self,
      GarbageCollection.self, Login.self, Logout.self,
      NixBuildStep.self,
    ])

  static func main() async {
    // A reader that goes away ends the program through the failed write, with a message and a clean-up.
    signal(SIGPIPE, SIG_IGN)
    allowManyFiles()
    await run(root(), arguments: Array(CommandLine.arguments.dropFirst()))
    await end(0)
  }

  /// Ends the process at once: threads of the network and of writers may still run, and must not meet libraries that are being taken down.
  private static func end(_ status: Int32) async -> Never {
    await Interruption.waitForEnd()
    Interruption.removeScratch()
    fflush(nil)
    _exit(status)
  }

  /// Raises the number of open files to what the system allows: an image may have a thousand layers, each with a file.
  private static func allowManyFiles() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func root() -> any ParsableCommand.Type {
    let name = CommandLine.arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    return name == "nix-prefetch-docker" ? Prefetch.self : Cooper.self
  }

  private static func run(_ root: any ParsableCommand.Type, arguments: [String]) async {
    do {
      var command = try root.parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      await Interruption.waitForEnd()
      await end(report(error, of: root))
    }
  }

  /// Prints what `error` says and gives the exit status.
  private static func report(_ error: any Error, of root: any ParsableCommand.Type) -> Int32 {
    let code = root.exitCode(for: error)
    // Help and version are errors too, to the argument parser.
    if code == .success {
      return show(root.message(for: error).isEmpty ? root.helpMessage() : root.fullMessage(for: error))
    }
    if code == .validationFailure {
      Console.error(root.fullMessage(for: error))
      return ExitStatus.usage.rawValue
    }
    if let status = error as? ExitCode { return status.rawValue }
    Console.error("cooper: \(error)")
    return ExitStatus(of: error).rawValue
  }

  /// Prints help or the version and gives the exit status.
  private static func show(_ text: String) -> Int32 {
    do {
      try Console.output(text)
      return 0
    } catch {
      Console.error("cooper: \(error)")
      return ExitStatus.failed.rawValue
    }
  }
}
