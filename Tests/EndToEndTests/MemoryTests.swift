import TestSupport
import Testing

/// design.md, P5: peak memory does not grow with the size of an image.
@Suite struct MemoryTests {
  /// Runs a command and prints the peak of its resident memory in KiB.
  private static let measure = """
    import resource, subprocess, sys
    status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    sys.exit(status)
    """

  @Test func `a pull of 1.5 GB needs as little memory as one of 100 MB, below 64 MiB`() async throws {
    try Program.require("python3", package: "python3")
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    var peaks: [Int] = []
    for megabytes in [50, 750] {
      // Two layers, so that they are decompressed side by side. Random bytes between zeros keep the stored size in proportion.
      var random = SeededGenerator(seed: UInt64(megabytes))
      let piece = random.bytes(64 << 10) + [UInt8](repeating: 0, count: (1 << 20) - (64 << 10))
      let content = [[UInt8]](repeating: piece, count: megabytes).flatMap { $0 }
      let stored = try await LayerBytes.gzip(content, level: 1)
      let other = try await LayerBytes.gzip(content + [1], level: 1)
      let reference = try ImageSpec(.oci, layers: [.init(stored), .init(other)]).stored
        .push(to: registry, repository: "of-\(megabytes)")
      let place = try Workplace()
      defer { place.remove() }
      let result = try await Program.run(
        "python3", ["-c", Self.measure, Program.builtTool] + place.pullArguments(reference),
        environment: ["HOME": place.home.path], timeout: .seconds(300))
      #expect(result.status == 0, "\(result.errors)")
      peaks.append(try #require(Int(result.text.split(separator: "\n").last ?? "")))
    }
    #expect(peaks[1] < 64 << 10, "\(peaks) KiB")
    // What remains is how far the network was ahead of the disk.
    #expect(peaks[1] - peaks[0] < 12 << 10, "\(peaks) KiB")
  }
}
