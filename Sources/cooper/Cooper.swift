import ArgumentParser

@main
struct Cooper: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cooper", abstract: "Makes, fetches and reshapes container images.", version: "0.1.0")
}
