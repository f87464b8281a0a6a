import ArgumentParser
import OCIModel

/// Which images of an index are changed.
struct ChoiceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Choose one platform of an index; the result is that image alone. Default: every platform is changed, and all are kept.",
      valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var platform: PlatformRequest?
}

extension PlatformRequest {
  /// Reads the value of `--platform`.
  init(option: String) throws {
    let parts = option.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), !parts.contains("") else {
      throw ValidationError(
        "“\(option)” is no platform, which is OS/ARCH or OS/ARCH/VARIANT, as linux/arm64.")
    }
    self.init(os: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
  }
}
