import Hashing

extension ImageCases {
  /// Which image of an index is taken.
  ///
  /// Every image has its own config, so that the choice shows.
  static let indexes: [ImageCase] = [
    ImageCase("index of two platforms, OCI", "the one that was asked for") { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/arm64/v8"), .init(image("2"), "linux/amd64")]).stored
    },
    ImageCase("manifest list of two platforms", "the one that was asked for", platform: "linux/arm64") { _ in
      IndexSpec(
        .docker, [.init(image("1", .docker), "linux/amd64"), .init(image("2", .docker), "linux/arm64/v8")]
      ).stored
    },
    ImageCase("manifest list of OCI manifests", "the kinds may be mixed") { _ in
      IndexSpec(.docker, [.init(image("1"), "linux/amd64")], of: .oci).stored
    },
    ImageCase("index of Docker manifests", "the kinds may be mixed") { _ in
      IndexSpec(.oci, [.init(image("1", .docker), "linux/amd64")], of: .docker).stored
    },
    arms(
      "arm without a variant", "an entry without a variant comes first", ["v6", "", "v7"], asking: "linux/arm"
    ),
    arms("arm, best variant", "v8 before v7 before v6 before v5", ["v5", "v7", "v6"], asking: "linux/arm"),
    arms("arm/v6", "the variant and lower ones", ["v7", "v5", "v6"], asking: "linux/arm/v6"),
    arms("arm/v7 of lower ones", "the next lower one", ["v5", "v6", "v8"], asking: "linux/arm/v7"),
    arms("arm/v6 of higher ones", "never a higher one", ["v7", "v8"], asking: "linux/arm/v6", .bothRefuse),
    arms(
      "arm/v5 of one without", "an entry without a variant is the last", ["v7", ""], asking: "linux/arm/v5"),
    ImageCase("amd64/v2 alone", "never chosen unless asked for", .bothRefuse) { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/amd64/v2")]).stored
    },
    ImageCase("amd64/v2 asked for", "compared exactly", platform: "linux/amd64/v2") { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/amd64"), .init(image("2"), "linux/amd64/v2")]).stored
    },
    ImageCase("amd64/v2 first", "amd64 without a variant is taken") { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/amd64/v2"), .init(image("2"), "linux/amd64")]).stored
    },
    ImageCase("the same platform twice", "the first entry wins") { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/amd64"), .init(image("2"), "linux/amd64")]).stored
    },
    ImageCase("zstd beside gzip", "1.9.3 does not prefer the entry annotated as zstd") { _ in
      let annotation = #""annotations":{"io.github.containers.compression.zstd":"true"},"#
      return IndexSpec(
        .oci, [.init(image("1"), "linux/amd64"), .init(image("2"), "linux/amd64", extra: annotation)]
      ).stored
    },
    ImageCase("attestations", "entries of unknown/unknown are never images") { _ in
      IndexSpec(
        .oci,
        [
          .init(attestation, "unknown/unknown", extra: attestationAnnotation),
          .init(image("1"), "linux/amd64"),
        ]
      ).stored
    },
    ImageCase("attestations alone", "nothing to choose", .bothRefuse) { _ in
      IndexSpec(.oci, [.init(attestation, "unknown/unknown", extra: attestationAnnotation)]).stored
    },
    ImageCase("an entry without a platform", "the last resort in OCI") { _ in
      IndexSpec(
        .oci, [.init(image("1"), nil), .init(image("2"), nil), .init(image("3"), "linux/arm64")]
      ).stored
    },
    ImageCase("an entry without a platform first", "an exact match comes before it") { _ in
      IndexSpec(.oci, [.init(image("1"), nil), .init(image("2"), "linux/amd64")]).stored
    },
    ImageCase("no such platform", "nothing to choose", .bothRefuse, platform: "linux/s390x") { _ in
      IndexSpec(.oci, [.init(image("1"), "linux/amd64"), .init(image("2"), "windows/amd64")]).stored
    },
    ImageCase("Windows first", "the system is compared") { _ in
      var windows = IndexSpec.Entry(image("1"), nil)
      windows.platform = #"{"architecture":"amd64","os":"windows","os.version":"10.0.17763.1"}"#
      return IndexSpec(.docker, [windows, .init(image("2"), "linux/amd64")], of: .oci).stored
    },
    ImageCase("an index in an index", "refused", .bothRefuse) { _ in
      let inner = IndexSpec(.oci, [.init(image("1"), "linux/amd64")]).stored
      return IndexSpec(.oci, [.init(inner, "linux/amd64", type: ImageSpec.Format.oci.indexType)]).stored
    },
    ImageCase("an empty index", "nothing to choose", .bothRefuse) { _ in IndexSpec(.oci, []).stored },
    ImageCase(
      "another platform asked of a single image", "a manifest is taken whatever its platform",
      platform: "linux/arm"
    ) { _ in
      image("1")
    },
  ]

  private static func image(_ name: String, _ format: ImageSpec.Format = .oci) -> StoredImage {
    let config = #"{"architecture":"any","os":"linux","config":{"Cmd":["image \#(name)"]}}"#
    return ImageSpec(format, layers: [.init(first), .init(second)], config: Array(config.utf8)).stored
  }

  /// An index of `arm` images with these variants; the empty string is no variant.
  private static func arms(
    _ name: String, _ reason: String, _ variants: [String], asking platform: String,
    _ expectation: ImageCase.Expectation = .identical
  ) -> ImageCase {
    ImageCase("index: \(name)", reason, expectation, platform: platform) { _ in
      IndexSpec(
        .oci,
        variants.map { .init(image("variant \($0)"), $0.isEmpty ? "linux/arm" : "linux/arm/\($0)") }
      ).stored
    }
  }

  private static let attestationAnnotation =
    #""annotations":{"vnd.docker.reference.type":"attestation-manifest"},"#

  private static var attestation: StoredImage {
    var spec = ImageSpec(.oci, layers: [.init(Array("{}".utf8), type: "application/vnd.in-toto+json")])
    spec.config = Array(#"{"architecture":"unknown","os":"unknown"}"#.utf8)
    return spec.stored
  }
}
