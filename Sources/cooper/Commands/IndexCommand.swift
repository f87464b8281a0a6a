import ArgumentParser

/// `cooper index`: makes and edits indexes of several platforms.
struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Makes an index (manifest list) of images, or changes which images one has.",
    discussion: """
      Examples:
        cooper index create team/app:amd64 team/app:arm64 -o docker://registry.example.com/team/app:1.0
        cooper index filter debian:12 --platform linux/amd64 --platform linux/arm64 -o docker://registry.example.com/debian:12

      Indexes within indexes are taken apart. The platform of a single image is taken from its configuration. The result is Docker's manifest
      list when all images are Docker's, and an OCI index otherwise; manifests keep their bytes and digests, unless --format changes them.
      """,
    subcommands: [IndexCreate.self, IndexAdd.self, IndexRemove.self, IndexFilter.self])
}
