import ArgumentParser

/// `cooper stream`: images written to standard output while they are made.
struct Stream: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes an image to standard output while it is being made.",
    subcommands: [StreamLayered.self, StreamShell.self, StreamConf.self],
    // Scripts of tools/nix begin with `#!…/bin/cooper stream`, since a first line has room for one word.
    defaultSubcommand: StreamConf.self)
}
