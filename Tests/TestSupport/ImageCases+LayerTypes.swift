import Hashing

extension ImageCases {
  /// What descriptors say about layers.
  static let layerTypes: [ImageCase] = [
    typed("plain typed gzip", "the media type does not decide", .oci, ImageSpec.Format.oci.gzipType) {
      first
    },
    typed("gzip typed plain", "the media type does not decide", .docker, ImageSpec.Format.docker.plainType) {
      try await LayerBytes.gzip(first)
    },
    typed("xz typed plain", "the media type does not decide", .oci, ImageSpec.Format.oci.plainType) {
      try await LayerBytes.xz(first)
    },
    ImageCase(
      "zstd layer", "the type +zstd is refused by 1.9.3 and taken from 1.14.0 on",
      .laterSkopeo { _ in try await zstdImage(type: ImageSpec.Format.oci.gzipType) }
    ) { _ in try await zstdImage(type: "application/vnd.oci.image.layer.v1.tar+zstd") },
    ImageCase(
      "nondistributable zstd layer", "as +zstd",
      .laterSkopeo { _ in try await zstdImage(type: ImageSpec.Format.oci.gzipType) }
    ) { _ in try await zstdImage(type: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd") },
    typed("nondistributable layer", "always included", .oci, ImageSpec.Format.oci.foreignType) {
      try await LayerBytes.gzip(first)
    },
    typed(
      "nondistributable plain layer", "always included", .oci,
      "application/vnd.oci.image.layer.nondistributable.v1.tar"
    ) { first },
    typed("foreign layer", "always included", .docker, ImageSpec.Format.docker.foreignType) {
      try await LayerBytes.gzip(first)
    },
    typed(
      "foreign plain layer", "always included", .docker,
      "application/vnd.docker.image.rootfs.foreign.diff.tar"
    ) { first },
    typed(
      "Docker layer type in OCI", "each format has its own types", .oci, ImageSpec.Format.docker.gzipType,
      .bothRefuse
    ) {
      try await LayerBytes.gzip(first)
    },
    typed(
      "OCI layer type in Docker", "each format has its own types", .docker, ImageSpec.Format.oci.gzipType,
      .bothRefuse
    ) {
      try await LayerBytes.gzip(first)
    },
    typed(
      "layer type of an artifact", "not an image", .oci,
      "application/vnd.cncf.helm.chart.content.v1.tar+gzip", .bothRefuse
    ) {
      try await LayerBytes.gzip(first)
    },
    typed("empty layer type", "not a layer", .oci, "", .bothRefuse) { first },
    ImageCase("URL that nobody answers", "the registry's own blob is used instead") { _ in
      ImageSpec(
        .docker,
        layers: [.init(first, type: ImageSpec.Format.docker.foreignType, urls: ["http://127.0.0.1:1/layer"])]
      ).stored
    },
    ImageCase("URLs that are not HTTP", "passed over") { _ in
      ImageSpec(
        .oci,
        layers: [
          .init(first, type: ImageSpec.Format.oci.foreignType, urls: ["ftp://127.0.0.1/x", "file:///x"])
        ]
      ).stored
    },
    ImageCase("URL that serves the layer", "fetched from there, on any type of layer") { place in
      let digest = Digest(of: first)
      let url = "\(place.registryURL)/v2/\(place.repository)/blobs/\(digest)"
      return ImageSpec(.docker, layers: [.init(first, urls: ["http://127.0.0.1:1/x", url])]).stored
    },
    ImageCase("URL that answers 404", "an answer other than 200 from the last URL is an error", .bothRefuse) {
      place in
      ImageSpec(
        .docker,
        layers: [
          .init(
            first, type: ImageSpec.Format.docker.foreignType,
            urls: ["\(place.registryURL)/v2/nothing/here/blobs/\(Digest(of: second))"])
        ]
      ).stored
    },
    ImageCase("URL that serves something else", "the digest is compared as always", .bothRefuse) { place in
      let url = "\(place.registryURL)/v2/\(place.repository)/blobs/\(Digest(of: second))"
      return ImageSpec(.docker, layers: [.init(second), .init(first, urls: [url])]).stored
    },
  ]

  private static func typed(
    _ name: String, _ reason: String, _ format: ImageSpec.Format, _ type: String,
    _ expectation: ImageCase.Expectation = .identical, _ bytes: @escaping @Sendable () async throws -> [UInt8]
  ) -> ImageCase {
    ImageCase(name, reason, expectation) { _ in
      let root = try await LayerBytes.gzip(second)
      return ImageSpec(format, layers: [.init(root), .init(try await bytes(), type: type)]).stored
    }
  }

  private static func zstdImage(type: String) async throws -> StoredImage {
    let layers = try await [
      LayerBytes.zstd(first),
      LayerBytes.zstd(Array(second.prefix(512))) + LayerBytes.skippableFrame([0])
        + LayerBytes.zstd(Array(second.dropFirst(512)), level: 19),
    ]
    return ImageSpec(.oci, layers: layers.map { .init($0, type: type) }).stored
  }
}
