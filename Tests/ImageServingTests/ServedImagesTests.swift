import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Testing

@testable import ImageServing

@Suite struct ServedImagesTests {
  /// Documents in memory; blobs are not asked for.
  private struct Source: ImageSource {
    var root: ManifestDocument
    var others: [ManifestDocument] = []

    func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
      guard let found = others.first(where: { $0.digest == descriptor.digest }) else {
        throw ImageArchiveError("memory", .missing("\(descriptor.digest)", subject: "a manifest"))
      }
      return found
    }

    func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent { BytesContent([]) }
  }

  private static func descriptor(_ text: String, _ type: MediaType) -> Descriptor {
    Descriptor(mediaType: type, digest: Digest(of: Array(text.utf8)), byteCount: 10)
  }

  private static func image(_ name: String, subject: ManifestDocument? = nil) -> ManifestDocument {
    var manifest = Manifest(
      kind: .oci, config: descriptor("config of \(name)", .ociConfig),
      layers: [descriptor("layer of \(name)", .ociLayerGzip)])
    manifest.subject = subject?.descriptor
    return .manifest(manifest.encoded())
  }

  private static func index(_ entries: [ManifestDocument]) -> ManifestDocument {
    .index(ImageIndex(kind: .oci, manifests: entries.map(\.descriptor)).encoded())
  }

  private static func get(_ images: ServedImages, _ target: String, _ method: String = "GET") -> Answer {
    images.answer(method: method, target: target, range: nil)
  }

  private static func json(_ answer: Answer) throws -> JSONValue {
    guard case .bytes(let bytes) = answer.body else { return .null }
    return try JSONValue(parsing: bytes)
  }

  private static func field(_ name: String, _ answer: Answer) -> String? {
    answer.fields.first { $0.name == name }?.value
  }

  @Test(arguments: [
    ("1.35", "dir:1.35"), ("nix", "dir:nix"), ("nix:2", "nix:2"), ("docker.io/library/nix:2", "nix:2"),
    ("docker.io/nixos/nix:2", "nixos/nix:2"), ("localhost:5000/a/b:c", "a/b:c"),
    ("ghcr.io/a/b", "a/b:latest"),
    ("NOT A NAME", "dir:latest"),
  ])
  func `a name in an archive becomes a name here`(name: String, served: String) async throws {
    var images = ServedImages(repository: "dir")
    try await images.add(Source(root: Self.image("x")), names: [name], isOnly: true)
    #expect(images.names == [served])
  }

  @Test func `one of several without a name has its digest only`() async throws {
    var images = ServedImages(repository: "dir")
    let image = Self.image("x")
    try await images.add(Source(root: image), names: [], isOnly: false)
    #expect(images.names == [])
    #expect(Self.get(images, "/v2/dir/manifests/\(image.digest)").status == 200)
  }

  @Test func `manifests come by tag and digest, with all that is below an index`() async throws {
    var images = ServedImages(repository: "dir")
    let (one, two, missing) = (Self.image("one"), Self.image("two"), Self.image("missing"))
    let inner = Self.index([two])
    let root = Self.index([one, inner, missing])
    try await images.add(Source(root: root, others: [one, two, inner]), names: ["1"], isOnly: true)
    for (reference, document) in [
      ("1", root), ("\(root.digest)", root), ("\(one.digest)", one), ("\(two.digest)", two),
    ] {
      let answer = Self.get(images, "/v2/dir/manifests/\(reference)")
      guard case .bytes(let bytes) = answer.body else { Issue.record("no bytes"); continue }
      #expect(bytes == document.bytes)
      #expect(Self.field("Content-Type", answer) == document.mediaType.rawValue)
      #expect(Self.field("Docker-Content-Digest", answer) == document.digest.description)
    }
    #expect(Self.get(images, "/v2/dir/manifests/\(missing.digest)").status == 404)
    #expect(Self.get(images, "/v2/dir/blobs/\(Digest(of: Array("layer of two".utf8)))").status == 200)
  }

  @Test func `an index too deep is refused`() async throws {
    var documents = [Self.image("x")]
    for _ in 0..<6 { documents.append(Self.index([documents[documents.count - 1]])) }
    var images = ServedImages(repository: "dir")
    let root = try #require(documents.last)
    await #expect(throws: TooManyDocuments.self) {
      try await images.add(Source(root: root, others: documents), names: ["1"], isOnly: true)
    }
  }

  @Test(arguments: [
    ("GET", "/", 404, "NOT_FOUND"), ("GET", "/v2/no/tags/list", 404, "NAME_UNKNOWN"),
    ("GET", "/v2/dir/manifests/no", 404, "MANIFEST_UNKNOWN"),
    ("GET", "/v2/dir/blobs/sha256:no", 404, "BLOB_UNKNOWN"),
    ("GET", "/v2/dir/referrers/no", 400, "DIGEST_INVALID"),
    ("POST", "/v2/dir/blobs/uploads/", 405, "UNSUPPORTED"),
    ("PUT", "/v2/dir/manifests/1", 405, "UNSUPPORTED"),
    ("DELETE", "/v2/dir/manifests/1", 405, "UNSUPPORTED"),
  ])
  func `errors are those of the specification`(method: String, target: String, status: Int, code: String)
    async throws
  {
    var images = ServedImages(repository: "dir")
    try await images.add(Source(root: Self.image("x")), names: ["1"], isOnly: true)
    let answer = Self.get(images, target, method)
    #expect(answer.status == status)
    #expect(try Self.json(answer)["errors"]?.array?.first?["code"]?.string == code)
  }

  @Test func `referrers are listed with their types, and chosen by them`() async throws {
    var images = ServedImages(repository: "dir")
    let subject = Self.image("subject")
    let signature = Self.image("signature", subject: subject)
    try await images.add(Source(root: subject), names: ["1"], isOnly: false)
    try await images.add(Source(root: signature), names: [], isOnly: false)
    let target = "/v2/dir/referrers/\(subject.digest)"
    let all = Self.get(images, target)
    #expect(Self.field("Content-Type", all) == MediaType.ociIndex.rawValue)
    let entries = try #require(Self.json(all)["manifests"]?.array)
    #expect(entries.map { $0["digest"]?.string } == [signature.digest.description])
    #expect(entries[0]["artifactType"]?.string == MediaType.ociConfig.rawValue)
    let none = Self.get(images, target + "?artifactType=a%2Fb")
    #expect(try Self.json(none)["manifests"]?.array == [])
    #expect(Self.field("OCI-Filters-Applied", none) == "artifactType")
    #expect(
      try Self.json(Self.get(images, "/v2/dir/referrers/\(signature.digest)"))["manifests"]?.array == [])
  }

  @Test func `tags and repositories come in pages`() async throws {
    var images = ServedImages(repository: "dir")
    for tag in ["c", "a", "b"] {
      try await images.add(Source(root: Self.image(tag)), names: [tag, "other:\(tag)"], isOnly: false)
    }
    func tags(_ query: String) throws -> [String] {
      try Self.json(Self.get(images, "/v2/dir/tags/list\(query)"))["tags"]?.array?.compactMap(\.string) ?? []
    }
    #expect(try tags("") == ["a", "b", "c"])
    #expect(try tags("?n=2") == ["a", "b"])
    #expect(try tags("?n=2&last=b") == ["c"])
    #expect(try tags("?n=0") == [])
    let first = Self.get(images, "/v2/dir/tags/list?n=2")
    #expect(Self.field("Link", first) == "</v2/dir/tags/list?n=2&last=b>; rel=\"next\"")
    let repositories = try Self.json(Self.get(images, "/v2/_catalog"))["repositories"]?.array
    #expect(repositories?.map(\.string) == ["dir", "other"])
  }
}
