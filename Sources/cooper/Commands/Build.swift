import ArgumentParser

/// `cooper build`: finished images.
struct Build: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Builds an image from a spec.",
    subcommands: [BuildImage.self, BuildLayered.self, BuildShell.self])
}
