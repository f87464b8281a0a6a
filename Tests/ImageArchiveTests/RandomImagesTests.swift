import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Random images; on a failure, `COOPER_TEST_SEED` with the printed number repeats it.
@Suite struct RandomImagesTests {
  private static let first =
    ProcessInfo.processInfo.environment["COOPER_TEST_SEED"].flatMap { UInt64($0) } ?? 1

  private static func random(_ seed: UInt64) async throws -> Image {
    var random = SeededGenerator(seed: seed)
    var layers: [Layer] = []
    var diffIDs: [Digest] = []
    for _ in 0..<random.number(in: 0...5) {
      if !layers.isEmpty, random.once(in: 5) {
        let index = random.number(in: 0...layers.count - 1)
        layers.append(layers[index])
        diffIDs.append(diffIDs[index])
        continue
      }
      let count = random.number(in: 0...random.pick([0, 10, 1000, 200 * 1024]))
      let content = random.bytes(count / 2) + [UInt8](repeating: 1, count: count - count / 2)
      let stored = try await stored(content, &random)
      layers.append(TestImage.layer(stored, piece: random.pick([500, 30_000, .max])))
      diffIDs.append(random.once(in: 10) ? Digest(of: [UInt8(seed % 256)]) : Digest(of: content))
    }
    if random.once(in: 6) { diffIDs.shuffle(using: &random) }
    if random.once(in: 8) { diffIDs = Array(diffIDs.dropLast()) }
    return TestImage.image(layers, config: config(&random, diffIDs))
  }

  private static func stored(_ content: [UInt8], _ random: inout SeededGenerator) async throws -> [UInt8] {
    switch random.number(in: 0...7) {
    case 0: content
    case 1: try await LayerBytes.zstd(content)
    case 2: try await LayerBytes.bzip2(content)
    case 3: try await LayerBytes.xz(content)
    case 4: try await LayerBytes.gzip(content) + LayerBytes.gzip(random.bytes(30))
    default: try await LayerBytes.gzip(content, level: random.number(in: 1...9))
    }
  }

  private static func config(_ random: inout SeededGenerator, _ diffIDs: [Digest]) -> String {
    let values = [
      "\"amd64\"", "null", "7e1", "{\"a\" : [1, \"<&>\"]}", "\"\\u00e9\u{2028}\"", "true", " [ ] ",
    ]
    let names = [
      "architecture", "os", "config", "container", "created", "author", "Os", "docker_version", "o\\u0073",
    ]
    var members = (0..<random.number(in: 0...9)).map { _ in
      "\"\(random.pick(names))\": \(random.pick(values))"
    }
    let list = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
    members.append(#""rootfs":{"type":"layers","diff_ids":[\#(list)]}"#)
    return "{\(members.joined(separator: ", "))}"
  }

  @Test(arguments: 0..<8)
  func `file, pipe and nowhere have the same bytes in each era`(group: UInt64) async throws {
    for seed in (Self.first + 10 * group)..<(Self.first + 10 * group + 10) {
      let image = try await Self.random(seed)
      for era in DockerArchiveEra.allCases {
        let written = try await DockerArchiveWriter(image, "a/b:t", "localhost:5000/c:d", era: era)
          .writeEverywhere()
        #expect(written.differences == [], "seed \(seed), era \(era)")
      }
    }
  }

  /// The layout is checked too: skopeo reads it.
  @Test(arguments: 0..<4)
  func `skopeo makes the same archive of the same image in a layout`(group: UInt64) async throws {
    for seed in (Self.first + 5 * group)..<(Self.first + 5 * group + 5) {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let image = try await Self.random(seed)
      let layout = try OCILayoutWriter(at: FilePath(directory.appending("layout")))
      try layout.addAll(image, name: "n")
      let written = try DockerArchiveWriter(image, "example.org/a/b:t").fileBytes(in: directory).1
      let path = directory.appending("by-skopeo.tar")
      let result = try await Program.run(
        "skopeo",
        [
          "--insecure-policy", "--tmpdir", directory.path, "copy", "oci:\(directory.appending("layout")):n",
          "docker-archive:\(path):example.org/a/b:t",
        ])
      // Debian's skopeo does not take zstd layers from layouts by their (wrong) type; that is its own business.
      try #require(result.status == 0, "seed \(seed): \(result.errors)")
      #expect(Digest(of: try directory.read("by-skopeo.tar")) == Digest(of: written), "seed \(seed)")
    }
  }
}

extension OCILayoutWriter {
  /// Adds an image that is in memory, and commits.
  func addAll(_ image: Image, name: String?) throws {
    let manifest = image.manifest
    for layer in image.layers where !(try contains(layer.descriptor.digest)) {
      try add(layer.content.suffix(Int(layer.content.byteCount())), digest: layer.descriptor.digest)
    }
    try add(image.config, digest: manifest.value.config.digest)
    try add(manifest.bytes, digest: manifest.digest)
    let entry = Descriptor(
      mediaType: manifest.value.mediaType, digest: manifest.digest, byteCount: Int64(manifest.bytes.count))
    try commit(entry, name: name)
  }
}
