import ArchiveIO
import ArgumentParser
import Hashing
import ImageArchive
import OrderedJSON
import SystemPackage

/// `cooper gc`: removes what an OCI layout does not need any more.
struct GarbageCollection: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Removes the blobs of an OCI layout that nothing named in its index.json needs.",
    discussion: """
      Waits for copies of cooper into the layout that are under way, and makes new ones wait. Other programs do not know of that: do not
      collect while one of them writes there.

      Example:
        cooper delete oci:layout:1.0 && cooper gc layout
      """)

  @Argument(help: "The layout: DIR or oci:DIR.")
  var layout: String

  @Flag(help: "Remove nothing, and tell what would be removed.")
  var dryRun = false

  @Flag(help: "Print JSON: the number of blobs, their bytes and digests.")
  var json = false

  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let path = FilePath(layout.hasPrefix("oci:") ? String(layout.dropFirst("oci:".count)) : layout)
    let isDryRun = dryRun
    let report = try await Thread.run { try OCILayoutCollector(path).run(isDryRun: isDryRun) }
    if json {
      return try Console.output([
        "layout": .string(path.string), "isDryRun": .bool(dryRun), "blobs": .integer(report.digests.count),
        "leftovers": .integer(report.leftoverCount), "bytes": .integer(report.byteCount),
        "digests": .array(report.digests.map { .string($0.description) }),
      ])
    }
    if output.quiet { return }
    let count = report.digests.count + report.leftoverCount
    let verb = dryRun ? "would remove" : "removed"
    try Console.output(
      "\(verb) \(count) blob\(count == 1 ? "" : "s"), \(ByteCount.text(report.byteCount))")
  }
}
