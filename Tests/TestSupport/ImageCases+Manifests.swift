import Hashing

extension ImageCases {
  /// What manifests say beside config and layers.
  static let manifests: [ImageCase] = [
    ImageCase("manifest without mediaType", "the member is optional in OCI") { _ in
      changed(.oci) { $0.statedManifestType = "" }
    },
    ImageCase("manifest with annotations", "further members do not matter") { _ in
      changed(.oci) {
        $0.extraMembers =
          #""annotations":{"a":"<b>"},"artifactType":"x/y","subject":{"mediaType":"#
          + #""application/vnd.oci.image.manifest.v1+json","digest":"sha256:\#(Digest(of: first).hex)","size":1},"#
      }
    },
    ImageCase("manifest with a newline at the end", "the digest is of the bytes as served") { _ in
      changed(.docker) { $0.manifestEnd = "\n\n" }
    },
    ImageCase("manifest with manifests", "ambiguous: an index as well", .bothRefuse) { _ in
      changed(.oci) { $0.extraMembers = #""manifests":[],"# }
    },
    ImageCase("manifest with fsLayers", "ambiguous: schema 1 as well", .bothRefuse) { _ in
      changed(.docker) { $0.extraMembers = #""fsLayers":[],"# }
    },
    ImageCase("manifest named by sha512", "skopeo takes sha256 pins only", .skopeoRefuses) { _ in
      changed(.oci) { $0.algorithm = .sha512 }
    },
    ImageCase("manifest of schema 1", "refused by name", .bothRefuse) { _ in
      let manifest =
        #"{"schemaVersion":1,"name":"x","tag":"y","architecture":"amd64","fsLayers":[],"history":[]}"#
      return StoredImage(manifest: Array(manifest.utf8))
    },
  ]

  private static func changed(_ format: ImageSpec.Format, _ change: (inout ImageSpec) -> Void) -> StoredImage
  {
    var spec = ImageSpec(format, layers: [.init(first), .init(second)])
    change(&spec)
    return spec.stored
  }
}
