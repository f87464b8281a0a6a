import ArchiveIO
import Glibc
import ImageBuild
import SystemPackage

/// Writes a layered image into a docker-archive as nixpkgs has it.
struct LayeredArchiveJob: Sendable {
  let store: StoreOptions
  let messages: OutputOptions

  /// Writes to `path`, or to standard output.
  func write(_ image: LayeredImage, to path: FilePath?) async throws {
    let output = try OutputFile(path)
    let writer = LayeredArchiveWriter(image, memory: store.layerCache ? Self.memory() : nil)
    let isQuiet = messages.quiet
    try await Thread.run {
      _ = try writer.write(to: output.archiveOutput) { if !isQuiet { Console.error($0) } }
      try output.commit()
    }
  }

  /// The place of remembered digests; none when there is no home directory.
  static func memory() -> LayerMemory? {
    guard let cache = ProcessEnvironment.current.cacheDirectory else { return nil }
    let memory = try? LayerMemory(at: cache.appending("layers"))
    memory?.removeOldFiles()
    return memory
  }
}
