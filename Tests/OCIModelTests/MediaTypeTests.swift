import Testing

@testable import OCIModel

@Suite struct MediaTypeTests {
  @Test(arguments: [
    ("application/vnd.oci.image.index.v1+json", MediaType.ociIndex),
    ("Application/VND.OCI.Image.Index.v1+JSON", .ociIndex),
    ("application/vnd.oci.image.index.v1+json; charset=utf-8", .ociIndex),
    ("  application/vnd.oci.image.index.v1+json\t;x=y;z", .ociIndex), ("", MediaType(rawValue: "")),
    (" ; charset=utf-8", MediaType(rawValue: "")), ("text/plain", MediaType(rawValue: "text/plain")),
  ])
  func `parameters, blanks and case of a response are dropped`(header: String, type: MediaType) {
    #expect(MediaType(contentType: header) == type)
  }

  @Test func `in documents the spelling counts`() {
    #expect(MediaType(rawValue: "application/vnd.oci.image.INDEX.v1+json") != .ociIndex)
    #expect(MediaType.ociIndex.description == "application/vnd.oci.image.index.v1+json")
  }

  @Test func `manifests, indexes and configs are told apart`() {
    let types: [MediaType] = [
      .ociManifest, .ociIndex, .dockerManifest, .dockerManifestList, .dockerSchema1, .dockerSchema1Signed,
      .ociConfig, .dockerConfig, .ociEmpty, .ociLayer, .dockerLayer,
    ]
    #expect(types.filter(\.isIndex) == [.ociIndex, .dockerManifestList])
    #expect(types.filter(\.isManifest) == [.ociManifest, .dockerManifest])
    #expect(types.filter(\.isSchema1) == [.dockerSchema1, .dockerSchema1Signed])
    #expect(types.filter(\.isImageConfig) == [.ociConfig, .dockerConfig])
    #expect(types.filter(\.isGeneric).isEmpty)
    #expect(Set(MediaType.manifestTypes) == Set(types.filter { $0.isIndex || $0.isManifest }))
  }

  @Test(arguments: [
    ("application/vnd.oci.image.layer.v1.tar", true, false),
    ("application/vnd.oci.image.layer.v1.tar+gzip", true, false),
    ("application/vnd.oci.image.layer.v1.tar+zstd", true, false),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", true, false),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true, false),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true, false),
    ("application/vnd.docker.image.rootfs.diff.tar", false, true),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", false, true),
    ("application/vnd.docker.image.rootfs.foreign.diff.tar", false, true),
    ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", false, true),
    ("application/vnd.docker.image.rootfs.diff.tar.zstd", false, false),
    ("application/vnd.oci.image.layer.v1.tar+bzip2", false, false),
    ("application/vnd.oci.image.layer.v1.tar+encrypted", false, false),
    ("application/VND.oci.image.layer.v1.tar", false, false), ("application/x-tar", false, false),
    ("", false, false),
  ])
  func `each kind of manifest has its own layers`(text: String, oci: Bool, docker: Bool) {
    let type = MediaType(rawValue: text)
    #expect(type.isLayer(in: .oci) == oci)
    #expect(type.isLayer(in: .docker) == docker)
    #expect(
      type.isForeignLayer == ((oci || docker) && (text.contains("foreign") || text.contains("nondist"))))
  }

  @Test(arguments: [
    ("", true), ("application/json", true), ("text/plain", true), ("application/octet-stream", true),
    ("binary/octet-stream", true), ("text/html", false), ("application/vnd.oci.image.index.v2+json", false),
  ])
  func `servers that do not know a type say generic ones`(text: String, isGeneric: Bool) {
    #expect(MediaType(rawValue: text).isGeneric == isGeneric)
  }
}
