import ArgumentParser

/// `cooper nix-build-step`, the builder of the derivations that tools/nix makes.
struct NixBuildStep: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nix-build-step", abstract: "Builds what a derivation of tools/nix describes.",
    shouldDisplay: false)

  @Argument(help: "What to build.") var kind: NixStepKind

  mutating func run() async throws {
    let step = try NixStep(.current)
    step.prepareEnvironment()
    try await kind.build(step)
  }
}

/// What there is to build.
enum NixStepKind: String, ExpressibleByArgument {
  case text, helper
  case buildProgram = "build-program"
  case shellStart = "shell-start"
  case shellDirectories = "shell-directories"
  case customisation, conf, script
  case imageOfConf = "image-of-conf"
  case image, layer
  case pull, export, merge
  case program

  func build(_ step: NixStep) async throws {
    switch self {
    case .text: try NixFileSteps(step).text()
    case .buildProgram: try NixFileSteps(step).buildProgram()
    case .shellStart: try NixFileSteps(step).shellStart()
    case .shellDirectories: try NixFileSteps(step).shellDirectories()
    case .helper: try NixFileSteps(step).helper()
    case .customisation: try await NixLayeredSteps(step).customisation()
    case .conf: try await NixLayeredSteps(step).configuration()
    case .script: try NixLayeredSteps(step).script()
    case .imageOfConf: try await NixLayeredSteps(step).image()
    case .image: try await NixImageSteps(step).image()
    case .layer: try await NixImageSteps(step).layer()
    case .pull: try await NixArchiveSteps(step).pull()
    case .export: try await NixArchiveSteps(step).export()
    case .merge: try await NixArchiveSteps(step).merge()
    case .program: try NixProgramStep(step).build()
    }
  }
}
