import ArgumentParser
import ImageBuild

/// How the scripts of a spec run.
struct ScriptOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where scripts run, instead of the spec's “executor”: auto, kvm, tcg or namespace.", valueName: "name"),
    transform: Self.executor)
  var executor: BuildSpec.Executor?

  @Flag(help: "Let scripts use the network.")
  var network = false

  var settings: ScriptSettings { ScriptSettings(executor: executor, hasNetwork: network) }

  @Sendable static func executor(_ name: String) throws -> BuildSpec.Executor {
    guard let executor = BuildSpec.Executor(rawValue: name) else {
      let names = BuildSpec.Executor.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("There is no executor “\(name)”; there are \(names).")
    }
    return executor
  }
}
