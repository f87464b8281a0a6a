import ArgumentParser

/// `cooper copy`: an image from one place to another.
struct Copy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies an image, or an index with every platform, from anywhere to anywhere.",
    discussion: """
      Examples:
        cooper copy nixos/nix:2.19.3 oci:layout:2.19.3 --all
        cooper copy image.tar.gz oci:layout:small --layer-compression zstd
        cooper copy oci:layout:2.19.3 docker-archive:nix.tar:nixos/nix:2.19.3
        cooper copy nixos/nix:2.19.3 docker://registry.example.com/mirror/nix:2.19.3 --all

      SRC is an image in a registry, or docker-archive:FILE[:NAME:TAG or :@INDEX], oci:DIR[:TAG], oci-archive:FILE[:TAG], a path, or -.
      DST is docker://HOST/NAME[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], a path, or -.
      Manifests keep their bytes and digests unless --format, --layer-compression or the choice of one platform changes them.
      """)

  @Argument(help: "The image.")
  var source: String

  @Argument(help: "Where it goes.")
  var destination: String

  @OptionGroup var copy: CopyOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var sides: SideOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    try await CopyJob(
      source: source, target: CopyTarget(destination), options: copy, registry: registry, sides: sides,
      messages: messages
    ).run()
  }
}
