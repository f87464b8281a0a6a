import ArgumentParser
import Confinement
import Glibc

/// `cooper run-inside`, which builds start themselves: a program whose root is a directory, in namespaces of its own.
struct RunInside: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-inside", abstract: "Runs a program of an image as root.", shouldDisplay: false)

  @Option(help: "Something of this machine, and as many times where it is seen, a path below the root.")
  var source: [String] = []
  @Option var target: [String] = []
  @Option(help: "A target that cannot be changed there.") var readOnly: [String] = []
  @Flag var network = false
  @Argument var root: String
  @Argument(parsing: .postTerminator) var command: [String]

  mutating func run() throws {
    signal(SIGPIPE, SIG_DFL)
    let binds = zip(source, target).map {
      Namespaces.Bind(source: $0, target: root + $1, isReadOnly: readOnly.contains($1))
    }
    throw ExitCode(Namespaces(root: root, binds: binds, hasNetwork: network).run(command))
  }

  /// The command line that runs another one so.
  static func prefix(root: String, binds: [Namespaces.Bind], hasNetwork: Bool) throws -> [String] {
    var arguments = [try RunConfined.program(), configuration.commandName ?? ""]
    for bind in binds { arguments += ["--source=\(bind.source)", "--target=\(bind.target)"] }
    arguments += binds.filter(\.isReadOnly).map { "--read-only=\($0.target)" }
    if hasNetwork { arguments.append("--network") }
    return arguments + [root, "--"]
  }
}
