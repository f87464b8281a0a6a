import ArgumentParser
import ImageBuild

/// `cooper spec`: what a build spec may hold.
struct Spec: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the JSON Schema of a build spec, for editors and for checks.",
    subcommands: [SpecImage.self, SpecLayered.self, SpecShell.self])
}

/// `cooper spec layered`.
struct SpecLayered: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layered",
    abstract: "Prints the JSON Schema (draft 2020-12) of the spec of a layered image.",
    discussion: """
      Example:
        cooper spec layered > layered.schema.json
      """)

  mutating func run() throws { try Console.output(LayeredSpec.schema) }
}

/// `cooper spec image`.
struct SpecImage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Prints the JSON Schema (draft 2020-12) of the spec of an image with one layer.")

  mutating func run() throws { try Console.output(ImageSpec.schema) }
}

/// `cooper spec shell`.
struct SpecShell: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Prints the JSON Schema (draft 2020-12) of the spec of an image with a build environment.")

  mutating func run() throws { try Console.output(ShellSpec.schema) }
}
