import Hashing
import OrderedJSON
import Testing

@testable import OCIModel

@Suite struct ManifestTests {
  @Test func `all of a manifest is read, and its bytes are kept`() throws {
    let object = Sample.manifest([
      "mediaType": .string(MediaType.ociManifest.rawValue), "artifactType": "application/a",
      "subject": Sample.descriptor(.ociManifest, size: 7), "annotations": ["k": "v"], "more": [1, 2],
      "layers": [Sample.descriptor(.ociLayer, size: 1), Sample.descriptor(.ociLayerZstd, size: -1)],
    ])
    let bytes = JSONValue.object(object).serialized(.indented(by: 3)) + [0x0A]
    let encoded = try Manifest.decode(bytes, contentType: .ociManifest)
    #expect(encoded.bytes == bytes)
    #expect(encoded.digest == Digest(of: bytes))
    let manifest = encoded.value
    #expect(manifest.kind == .oci)
    #expect(manifest.config.mediaType == .ociConfig)
    #expect(manifest.layers.map(\.byteCount) == [1, -1])
    #expect(manifest.layers.map(\.mediaType) == [.ociLayer, .ociLayerZstd])
    #expect(manifest.subject?.byteCount == 7)
    #expect(manifest.annotations["k"] == "v")
    #expect(manifest.artifactType == "application/a")
    #expect(manifest.otherMembers == ["more": [1, 2]])
  }

  @Test(arguments: [nil, JSONValue.null, JSONValue.array([])])
  func `no layers are no layers`(layers: JSONValue?) throws {
    let document = try Sample.read(Sample.manifest(["layers": layers]), .ociManifest)
    guard case .manifest(let manifest) = document else {
      Issue.record("not a manifest")
      return
    }
    #expect(manifest.value.layers.isEmpty)
  }

  @Test func `another algorithm can name the document`() throws {
    let bytes = JSONValue.object(Sample.manifest()).serialized()
    let document = try ManifestDocument(bytes: bytes, contentType: nil, digestAlgorithm: .sha512)
    #expect(document.digest == Digest(of: bytes, algorithm: .sha512))
    #expect(document.bytes == bytes)
    #expect(document.descriptor.byteCount == Int64(bytes.count))
    #expect(document.descriptor.mediaType == .ociManifest)
    #expect(document.descriptor.digest == document.digest)
  }

  @Test func `a manifest is no index, and the reverse`() {
    let manifest = JSONValue.object(Sample.manifest()).serialized()
    let index = JSONValue.object(Sample.index()).serialized()
    #expect(throws: DocumentError.self) { try ImageIndex.decode(manifest, contentType: nil) }
    #expect(throws: DocumentError.self) { try Manifest.decode(index, contentType: nil) }
  }

  @Test func `what is written is read back, members without a meaning included`() throws {
    for kind in ManifestKind.allCases {
      var manifest = Manifest(
        kind: kind, config: Descriptor(mediaType: .ociConfig, digest: Digest(of: []), byteCount: 2),
        layers: [])
      manifest.layers = [Descriptor(mediaType: .ociLayer, digest: Digest(of: [1]), byteCount: 1)]
      manifest.annotations = ["b": "1", "a": "2"]
      manifest.artifactType = "x"
      manifest.subject = manifest.config
      manifest.otherMembers = ["zzz": ["q": .null]]
      let encoded = manifest.encoded()
      #expect(try Manifest.decode(encoded.bytes, contentType: kind.manifestType).value == manifest)
      #expect(encoded.digest == Digest(of: encoded.bytes))
      var index = ImageIndex(kind: kind, manifests: [manifest.config])
      index.annotations = ["k": "v"]
      index.artifactType = "y"
      index.subject = manifest.config
      index.otherMembers = ["more": 1]
      #expect(try ImageIndex.decode(index.encoded().bytes, contentType: kind.indexType).value == index)
    }
  }

  @Test func `a small manifest is written in these bytes`() {
    let manifest = Manifest(
      kind: .oci, config: Descriptor(mediaType: .ociConfig, digest: Digest(of: []), byteCount: 2), layers: [])
    let expected = """
      {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":\
      {"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\(Sample.digest)","size":2},"layers":[]}
      """
    #expect(String(decoding: manifest.encoded().bytes, as: UTF8.self) == expected)
  }

  @Test func `documents are equal when their bytes are`() throws {
    let bytes = JSONValue.object(Sample.manifest()).serialized()
    let one = try Manifest.decode(bytes, contentType: nil)
    #expect(try one == Manifest.decode(bytes, contentType: nil))
    #expect(try one != Manifest.decode(bytes + [0x20], contentType: nil))
  }
}

@Suite struct ImageKindTests {
  private func manifest(_ kind: ManifestKind, config: MediaType, layers: [MediaType]) -> Manifest {
    func descriptor(_ type: MediaType) -> Descriptor {
      Descriptor(mediaType: type, digest: Digest(of: []), byteCount: 0)
    }
    return Manifest(kind: kind, config: descriptor(config), layers: layers.map(descriptor))
  }

  @Test func `images of both kinds are images`() {
    let oci: [MediaType] = [
      .ociLayer, .ociLayerGzip, .ociLayerZstd, .ociForeignLayer, .ociForeignLayerGzip, .ociForeignLayerZstd,
    ]
    let docker: [MediaType] = [.dockerLayer, .dockerLayerGzip, .dockerForeignLayer, .dockerForeignLayerGzip]
    #expect(manifest(.oci, config: .ociConfig, layers: oci).imageKindError == nil)
    #expect(manifest(.docker, config: .dockerConfig, layers: docker).imageKindError == nil)
    #expect(manifest(.oci, config: .ociConfig, layers: []).imageKindError == nil)
  }

  @Test func `the config's type counts in OCI manifests only`() {
    for type in [
      MediaType.ociEmpty, .dockerConfig, MediaType(rawValue: "application/vnd.cncf.helm.config.v1+json"),
    ] {
      var artifact = manifest(.oci, config: type, layers: [.ociLayer])
      artifact.artifactType = "application/sbom"
      let error = ImageKindError.notAnImage(configType: type, artifactType: "application/sbom")
      #expect(throws: error) { try artifact.requireImage() }
      #expect(error.description.contains(type.rawValue))
      #expect(error.description.contains("application/sbom"))
      #expect(manifest(.docker, config: type, layers: [.dockerLayer]).imageKindError == nil)
    }
  }

  @Test(arguments: [
    (ManifestKind.oci, MediaType.dockerLayerGzip), (.docker, .ociLayerGzip),
    (.oci, MediaType(rawValue: "text/plain")),
    (.docker, MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar.zstd")),
  ])
  func `a layer of another type is named by its number`(kind: ManifestKind, type: MediaType) {
    let good: MediaType = kind == .oci ? .ociLayer : .dockerLayer
    let image = manifest(kind, config: .ociConfig, layers: [good, good, type, type])
    let error = ImageKindError.layerType(number: 3, count: 4, type: type, kind: kind)
    #expect(throws: error) { try image.requireImage() }
    #expect(error.description.hasPrefix("layer 3 of 4 has type “\(type)”"))
  }
}
