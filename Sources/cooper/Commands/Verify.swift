import ArgumentParser
import ImageArchive
import OCIModel
import OrderedJSON
import Registry

/// `cooper verify`: whether an image is what it says.
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks every digest, size and diff ID of an image at any location.",
    discussion: """
      All platforms of an index are checked, unless one is chosen. The exit status is 3 when something is wrong; each finding names the image,
      the layer, what was expected and what was found.

      Examples:
        cooper verify docker-archive:image.tar
        cooper verify nixos/nix:2.19.3 --arch arm64
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var image: String

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Print the findings as JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let opened = try await OpenedImage(
      image, registry: registry, progress: output, cache: BlobCache(.current))
    let report: ImageVerifier.Report
    do {
      let verifier = ImageVerifier(
        opened.whole, platforms: platform.areGiven ? [platform.request()] : nil,
        describingFindings: Self.finding(in:))
      report = try await verifier.run()
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
    opened.finish(isSuccess: true)
    try show(report)
    if !report.findings.isEmpty { throw ExitCode(ExitStatus.mismatch.rawValue) }
  }

  /// What a registry lacks, or has under a wrong digest, is a finding and no reason to stop.
  @Sendable private static func finding(in error: any Error) -> String? {
    switch (error as? RegistryError)?.root {
    case .notFound(let refusal): "\(refusal)"
    case .mismatch(let mismatch, _): "\(mismatch)"
    default: nil
    }
  }

  private func show(_ report: ImageVerifier.Report) throws {
    if json {
      return try Console.output([
        "image": .string(image), "images": .integer(report.imageCount), "layers": .integer(report.layerCount),
        "bytes": .integer(report.byteCount),
        "findings": .array(
          report.findings.map { finding in
            [
              "image": .string(finding.image), "layer": finding.layer.map { .integer($0) } ?? .null,
              "field": .string(finding.field), "expected": .string(finding.expected),
              "found": .string(finding.found),
            ]
          }),
      ])
    }
    for finding in report.findings { try Console.output(finding.description) }
    if report.findings.isEmpty, !output.quiet {
      let layers = "\(report.layerCount) layer\(report.layerCount == 1 ? "" : "s")"
      let images = "\(report.imageCount) image\(report.imageCount == 1 ? "" : "s")"
      try Console.output("\(image): \(images), \(layers), \(ByteCount.text(report.byteCount)): as promised")
    }
  }
}
