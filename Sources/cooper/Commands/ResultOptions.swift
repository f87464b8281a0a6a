import ArgumentParser
import OCIModel

/// Where the result of a change goes, and how it is written: what `append`, `mutate`, `rebase` and `index` have in common.
struct ResultOptions: ParsableArguments {
  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp(
      "Where the result goes: docker://HOST/NAME[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], a path, or -.",
      valueName: "dst"))
  var output: String

  @Option(
    help: "The family of the manifests, oci or docker. Default: as they are.",
    transform: ManifestKind.init(option:))
  var format: ManifestKind?

  @Flag(help: "Print the digest of what was written as JSON.")
  var json = false
}
