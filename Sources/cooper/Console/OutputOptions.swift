import ArgumentParser

/// `--quiet`, the same everywhere.
struct OutputOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "No progress and no remarks on standard error; errors only.")
  var quiet = false
}
