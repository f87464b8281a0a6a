import Hashing
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

  /// Writes a layer of so many MiB and prints its digest and its size: random bytes between zeros, so that the stored size is in proportion.
  private static let makeLayer = """
    import gzip, hashlib, os, random, sys
    path, megabytes, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    piece = random.Random(seed).randbytes(64 << 10) + bytes((1 << 20) - (64 << 10))
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as file:
        for _ in range(megabytes): file.write(piece)
    print("sha256:" + hashlib.file_digest(open(path, "rb"), "sha256").hexdigest(), os.path.getsize(path))
    """

  private static func layer(
    of megabytes: Int, number: Int, in registry: RegistryServer, repository: String
  ) async throws -> (digest: Digest, byteCount: Int) {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = directory.appending("layer")
    let made = try await Program.check("python3", ["-c", makeLayer, path, "\(megabytes)", "\(number)"])
    let words = made.text.split(whereSeparator: \.isWhitespace)
    let digest = try Digest(parsing: #require(words.first))
    try registry.addBlob(file: path, digest: digest, repository: repository)
    return (digest, try #require(Int(words[1])))
  }

  @Test func `a pull of 1.5 GB needs as little memory as one of 100 MB, below 64 MiB`() async throws {
    try Program.require("python3", package: "python3")
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    var peaks: [Int] = []
    for megabytes in [50, 750] {
      // Two layers, so that they are decompressed side by side.
      let repository = "of-\(megabytes)"
      var spec = ImageSpec(.oci, layers: [])
      var image = spec.stored
      for number in 1...2 {
        let made = try await Self.layer(of: megabytes, number: number, in: registry, repository: repository)
        spec.layers.append(.init([], size: made.byteCount, digest: made.digest))
        image = spec.stored
        image.blobs = image.blobs.filter { blob in !spec.layers.contains { $0.digest == blob.key } }
      }
      let reference = try image.push(to: registry, repository: repository)
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
