import Hashing

extension ImageCases {
  /// What layers are made of.
  static let layers: [ImageCase] = [
    ImageCase("gzip layers, OCI", "the usual image of today") { _ in
      let layers = try await [LayerBytes.gzip(first), LayerBytes.gzip(second)]
      return ImageSpec(.oci, layers: layers.map { .init($0) }).stored
    },
    ImageCase("gzip layers, Docker", "the usual image of Docker Hub") { _ in
      let layers = try await [LayerBytes.gzip(first), LayerBytes.gzip(second)]
      return ImageSpec(.docker, layers: layers.map { .init($0) }).stored
    },
    ImageCase("worked example", "docker-archive-bytes.md, “Worked example”") { _ in workedExample },
    ImageCase("plain layer, Docker", "a layer that is not compressed keeps its digest") { _ in
      ImageSpec(.docker, layers: [.init(first, type: ImageSpec.Format.docker.plainType)]).stored
    },
    one("gzip of several members", "members are concatenated") {
      try await LayerBytes.gzip(Array(first.prefix(700)))
        + LayerBytes.gzip(Array(first.dropFirst(700)), level: 1)
    },
    one("gzip with an empty member", "an empty member adds nothing, first or last") {
      let empty = try await LayerBytes.gzip([])
      return try await empty + LayerBytes.gzip(first) + empty
    },
    one("gzip with a full header", "extra field, name and comment are passed over") {
      try await LayerBytes.gzipWithFullHeader(first, checksum: false)
    },
    one("gzip with a checksum of its header", "sound, but refused by the inflater of skopeo", .skopeoRefuses)
    {
      try await LayerBytes.gzipWithFullHeader(first, checksum: true)
    },
    one("gzip, stored blocks", "random bytes do not compress, and are stored") {
      var random = SeededGenerator(seed: 7)
      return try await LayerBytes.gzip(random.bytes(200_000), level: 1)
    },
    one("gzip, long matches", "a megabyte of few different bytes uses the longest matches and distances") {
      let line = Array("the same line again and again, at distances up to 32 KiB\n".utf8)
      return try await LayerBytes.gzip(Array(repeatElement(line, count: 20_000).joined()), level: 9)
    },
    one("gzip followed by zeros", "padding after the last member is an error", .bothRefuse) {
      try await LayerBytes.gzip(first) + [UInt8](repeating: 0, count: 512)
    },
    one("gzip followed by junk", "junk after the last member is an error", .bothRefuse) {
      try await LayerBytes.gzip(first) + Array("junk that is no member".utf8)
    },
    one("gzip cut short", "a truncated stream is an error even when its digest is right", .bothRefuse) {
      try await Array(LayerBytes.gzip(first).dropLast(3))
    },
    one("gzip with a wrong checksum", "the checksum of the data is compared", .bothRefuse) {
      var bytes = try await LayerBytes.gzip(first)
      bytes[bytes.count - 8] ^= 1
      return bytes
    },
    one("gzip header alone", "three bytes are enough to be taken for gzip", .bothRefuse) { [0x1f, 0x8b, 8] },
    one("two bytes of gzip's magic", "two bytes are too few to be taken for gzip") { [0x1f, 0x8b] },
    one("gzip in gzip", "decompressed once, never twice") {
      try await LayerBytes.gzip(LayerBytes.gzip(first))
    },
    one("zstd of several frames", "frames are concatenated, whatever the media type says") {
      try await LayerBytes.zstd(Array(first.prefix(900))) + LayerBytes.zstd(Array(first.dropFirst(900)))
    },
    one("zstd with skippable frames", "zstd:chunked keeps its table of contents in such frames") {
      let (head, tail) = try await (
        LayerBytes.zstd(Array(first.prefix(100))), LayerBytes.zstd(Array(first.dropFirst(100)))
      )
      return head + LayerBytes.skippableFrame([1, 2, 3]) + tail + LayerBytes.skippableFrame([UInt8](0...255))
    },
    one("a skippable frame first", "zstd is recognised by the magic of a data frame only") {
      try await LayerBytes.skippableFrame([9]) + LayerBytes.zstd(first)
    },
    one("zstd cut short", "a truncated frame is an error", .bothRefuse) {
      try await Array(LayerBytes.zstd(second).dropLast(5))
    },
    one("bzip2", "recognised by its first bytes") { try await LayerBytes.bzip2(first) },
    one("bzip2 of two streams", "streams are concatenated") {
      try await LayerBytes.bzip2(Array(first.prefix(600))) + LayerBytes.bzip2(Array(first.dropFirst(600)))
    },
    one("xz", "recognised by its first bytes") { try await LayerBytes.xz(first) },
    one("xz of two streams", "streams are concatenated") {
      try await LayerBytes.xz(Array(first.prefix(600))) + LayerBytes.xz(Array(first.dropFirst(600)))
    },
    one("xz cut short", "a truncated stream is an error", .bothRefuse) {
      try await Array(LayerBytes.xz(first).dropLast(6))
    },
    one("xz of nothing", "the empty layer, compressed") { try await LayerBytes.xz([]) },
    one("bzip2 of nothing", "the empty layer, compressed") { try await LayerBytes.bzip2([]) },
    one("xz of nothing, cut short", "an empty layer must be whole as well", .bothRefuse) {
      try await Array(LayerBytes.xz([]).dropLast(7))
    },
    one("bzip2 of nothing, cut short", "an empty layer must be whole as well", .bothRefuse) {
      try await Array(LayerBytes.bzip2([]).dropLast(4))
    },
    one("zstd of nothing", "the empty layer, compressed") { try await LayerBytes.zstd([]) },
    one("zstd followed by junk", "bytes after the last frame are an error", .bothRefuse) {
      try await LayerBytes.zstd(first) + Array("junk that is no frame".utf8)
    },
    one("xz followed by junk", "bytes after the last stream are an error", .bothRefuse) {
      try await LayerBytes.xz(first) + Array("junk that is no stream".utf8)
    },
    one("xz followed by zeros", "padding after a stream is part of the format") {
      try await LayerBytes.xz(first) + [UInt8](repeating: 0, count: 8)
    },
    one("bzip2 followed by junk", "bytes after the last stream are an error", .bothRefuse) {
      try await LayerBytes.bzip2(first) + Array("junk that is no stream".utf8)
    },
    one("bzip2 cut short", "a truncated stream is an error", .bothRefuse) {
      try await Array(LayerBytes.bzip2(first).dropLast(5))
    },
    one("bzip2's magic alone", "three bytes are enough to be taken for bzip2", .bothRefuse) {
      Array("BZh".utf8)
    },
    one("xz's magic alone", "six bytes are enough to be taken for xz", .bothRefuse) {
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
    },
    one("zstd's magic alone", "four bytes are enough to be taken for zstd", .bothRefuse) {
      [0x28, 0xb5, 0x2f, 0xfd]
    },
    one("tar in tar", "a layer that is an archive of an archive is only taken out of its compression") {
      try await LayerBytes.gzip(
        LayerBytes.tar([("inner.tar", first), ("inner.tar.gz", LayerBytes.gzip(first))]))
    },
    one(
      "xz of a tar of several blocks",
      "a container layer is a stream of bytes, whatever its inside looks like"
    ) {
      let zeros = [UInt8](repeating: 0, count: 1024)
      return try await LayerBytes.xz(first + zeros + second + zeros + Array("after the end".utf8))
    },
    one("bzip2 of a cpio archive", "archives of other kinds are not looked into") {
      try await LayerBytes.bzip2(
        Array("070701".utf8) + [UInt8](repeating: 0x30, count: 104) + Array("!<arch>\n".utf8))
    },
    one("an empty tar", "two zero blocks") { [UInt8](repeating: 0, count: 1024) },
    one("zero bytes", "a layer of nothing is written as an empty member") { [] },
    one("gzip of zero bytes", "the empty layer, compressed") { try await LayerBytes.gzip([]) },
    one("not a tar", "any bytes are taken") { Array("neither compressed nor an archive\n".utf8) },
    one("one byte", "the shortest layer") { [0x42] },
    one("511 bytes", "padding of one byte") { [UInt8](repeating: 0x61, count: 511) },
    one("512 bytes", "no padding") { [UInt8](repeating: 0x61, count: 512) },
    one("513 bytes", "padding of 511 bytes") { [UInt8](repeating: 0x61, count: 513) },
    one(
      "a plain tar that begins with BZh", "skopeo takes it for bzip2; a sane reader looks at the tar header",
      .skopeoRefuses
    ) { LayerBytes.tar("BZh-is-a-name", "text") },
    ImageCase("the same layer three times", "written once, listed three times, three legacy directories") {
      _ in
      let layer = try await ImageSpec.Layer(LayerBytes.gzip(first))
      return ImageSpec(.docker, layers: [layer, layer, layer]).stored
    },
    ImageCase("equal layers compressed differently", "equal after decompression counts, not the blob") { _ in
      let blobs = try await [
        LayerBytes.gzip(first, level: 9), first, LayerBytes.zstd(first), LayerBytes.gzip(second),
        LayerBytes.xz(first), LayerBytes.gzip(first, level: 1) + LayerBytes.gzip([]),
      ]
      return ImageSpec(.oci, layers: blobs.map { .init($0) }).stored
    },
    ImageCase("no layers, OCI", "no legacy directory, no name in repositories") { _ in
      ImageSpec(.oci, layers: []).stored
    },
    ImageCase("no layers, Docker", "no legacy directory, no name in repositories") { _ in
      ImageSpec(.docker, layers: []).stored
    },
    ImageCase("127 layers", "as many as Docker's storage allows") { _ in
      let layers = (0..<127).map { ImageSpec.Layer(LayerBytes.tar("layer-\($0)", "\($0)\n")) }
      return ImageSpec(.oci, layers: layers).stored
    },
    ImageCase("a layer of other content", "the digest of the stored bytes is compared", .bothRefuse) { _ in
      let digest = Digest(of: first)
      return ImageSpec(.oci, layers: [.init(second, size: first.count, digest: digest)]).stored
    },
    ImageCase("sha512 layer, plain", "names too long for the header go into extended headers") { _ in
      let layer = ImageSpec.Layer(
        first, type: ImageSpec.Format.oci.plainType, digest: Digest(of: first, algorithm: .sha512))
      return ImageSpec(.oci, layers: [layer, .init(second), layer]).stored
    },
    ImageCase("sha512 layer, gzip", "named by the sha256 of what is inside") { _ in
      let blob = try await LayerBytes.gzip(first)
      return ImageSpec(.oci, layers: [.init(blob, digest: Digest(of: blob, algorithm: .sha512))]).stored
    },
    ImageCase("a wrong layer size", "skopeo does not compare the size, Cooper may", .cooperMayRefuse) { _ in
      ImageSpec(.oci, layers: [.init(first, size: 5)]).stored
    },
    ImageCase("an unknown layer size", "−1 stands for unknown", .cooperMayRefuse) { _ in
      ImageSpec(.docker, layers: [.init(first, size: -1)]).stored
    },
    ImageCase("a layer that is the config", "a layer with the digest of the config fails", .bothRefuse) { _ in
      ImageSpec(.oci, layers: [.init(first), .init(ImageSpec.plainConfig)]).stored
    },
  ]

  /// An OCI image of an ordinary gzip layer and a layer of these bytes.
  private static func one(
    _ name: String, _ reason: String, _ expectation: ImageCase.Expectation = .identical,
    _ bytes: @escaping @Sendable () async throws -> [UInt8]
  ) -> ImageCase {
    ImageCase(name, reason, expectation) { _ in
      let root = try await LayerBytes.gzip(second)
      return ImageSpec(.oci, layers: [.init(root), .init(try await bytes())]).stored
    }
  }

  /// The image of docker-archive-bytes.md, “Worked example”; its archive's digests are known.
  public static var workedExample: StoredImage {
    let diffID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    let config =
      #"{"architecture":"amd64","os":"linux","config":{"Cmd":["a","<b>"]},"#
      + #""rootfs":{"type":"layers","diff_ids":["\#(diffID)","\#(diffID)"]}}"#
    let layer = ImageSpec.Layer(
      [UInt8](repeating: 0, count: 1024), type: ImageSpec.Format.oci.plainType)
    return ImageSpec(.oci, layers: [layer, layer], config: Array(config.utf8)).stored
  }
}
