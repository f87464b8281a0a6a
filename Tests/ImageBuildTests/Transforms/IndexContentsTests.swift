import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import Testing

/// Indexes that are put together and taken apart.
@Suite struct IndexContentsTests {
  private static let amd64 = Platform(os: "linux", architecture: "amd64")
  private static let armv6 = Platform(os: "linux", architecture: "arm", variant: "v6")
  private static let armv7 = Platform(os: "linux", architecture: "arm", variant: "v7")

  private static func image(_ platform: Platform, kind: ManifestKind = .oci) -> MemorySource {
    MemorySource(["layer of \(platform)"], platform: platform, kind: kind)
  }

  private static func index(_ platforms: [Platform], kind: ManifestKind = .oci) -> MemorySource {
    MemorySource(
      index: platforms.map { platform in (image(platform, kind: kind), { $0.platform = platform }) },
      kind: kind)
  }

  @Test func `the platform of a single image comes from its config`() async throws {
    var contents = IndexContents()
    try await contents.add(Self.image(Self.armv7), at: "a")
    try await contents.add(Self.index([Self.amd64]), at: "b")
    let result = contents.source()
    #expect(result.entries.map(\.platform) == [Self.armv7, Self.amd64])
    #expect(
      result.entries.map(\.digest) == [Self.image(Self.armv7), Self.image(Self.amd64)].map(\.root.digest))
  }

  @Test(arguments: [
    (ManifestKind.docker, ManifestKind.docker, MediaType.dockerManifestList),
    (.docker, .oci, .ociIndex), (.oci, .oci, .ociIndex),
  ])
  func `the index is Docker's when all images are`(
    first: ManifestKind, second: ManifestKind, type: MediaType
  ) async throws {
    var contents = IndexContents()
    try await contents.add(Self.image(Self.amd64, kind: first), at: "a")
    try await contents.add(Self.image(Self.armv7, kind: second), at: "b")
    #expect(contents.source().root.mediaType == type)
    var added = try await IndexContents(index: Self.index([Self.amd64], kind: first), at: "a")
    try await added.add(Self.image(Self.armv7, kind: second), at: "b")
    #expect(added.source().root.mediaType == type)
  }

  @Test func `an index within an index is taken apart`() async throws {
    let nested = MemorySource(index: [
      (Self.index([Self.armv6, Self.armv7]), { _ in }),
      (Self.image(Self.amd64), { $0.platform = Self.amd64 }),
    ])
    let result = try await IndexContents(index: nested, at: "a").source()
    #expect(result.entries.map(\.platform) == [Self.armv6, Self.armv7, Self.amd64])
    #expect(result.remarks.count == 1)
  }

  @Test func `two images for one platform, and one manifest twice, are refused`() async throws {
    var contents = IndexContents()
    try await contents.add(Self.image(Self.amd64), at: "a")
    let before = contents.source().root.digest
    await #expect(throws: IndexError.samePlatform(Self.amd64, first: "a", second: "b")) {
      try await contents.add(MemorySource(["another"], platform: Self.amd64), at: "b")
    }
    let digest = Self.image(Self.amd64).root.digest
    await #expect(throws: IndexError.sameManifest(digest, first: "a", second: "c")) {
      try await contents.add(Self.image(Self.amd64), at: "c")
    }
    #expect(contents.source().root.digest == before)
  }

  @Test(
    arguments: [
      ("arm", nil, [amd64]), ("arm", "v6", [amd64, armv7]), ("amd64", nil, [armv6, armv7]),
    ] as [(String, String?, [Platform])])
  func `removing a platform without a variant removes all of them`(
    architecture: String, variant: String?, left: [Platform]
  ) async throws {
    var contents = try await IndexContents(index: Self.index([Self.amd64, Self.armv6, Self.armv7]), at: "a")
    let platform = PlatformRequest(os: "linux", architecture: architecture, variant: variant)
    try contents.remove(platforms: [platform], digests: [])
    #expect(contents.source().entries.map(\.platform) == left)
  }

  @Test func `attestations go and stay with their images`() async throws {
    let (first, second) = (Self.image(Self.amd64), Self.image(Self.armv7))
    let source = MemorySource(index: [
      (first, { $0.platform = Self.amd64 }), (second, { $0.platform = Self.armv7 }),
      MemorySource.attestation(of: first.root.digest), MemorySource.attestation(of: second.root.digest),
    ])
    var filtered = try await IndexContents(index: source, at: "a")
    try filtered.filter(platforms: [PlatformRequest(os: "linux", architecture: "amd64")])
    #expect(filtered.source().entries == [source.entries[0], source.entries[2]])
    var removed = try await IndexContents(index: source, at: "a")
    try removed.remove(platforms: [], digests: [first.root.digest])
    #expect(removed.source().entries == [source.entries[1], source.entries[3]])
    #expect(removed.source().remarks.count == 1)
  }

  @Test func `what is not there cannot be removed or kept, and something must be left`() async throws {
    var contents = try await IndexContents(index: Self.index([Self.amd64]), at: "a")
    let arm = PlatformRequest(os: "linux", architecture: "arm")
    #expect(throws: IndexError.noPlatform("linux/arm", available: "linux/amd64")) {
      try contents.filter(platforms: [arm])
    }
    let digest = MemorySource.diffID("x")
    #expect(throws: IndexError.noDigest(digest)) { try contents.remove(platforms: [], digests: [digest]) }
    #expect(throws: IndexError.nothingLeft) {
      try contents.remove(platforms: [PlatformRequest(os: "linux", architecture: "amd64")], digests: [])
    }
    await #expect(throws: IndexError.notAnIndex("b")) {
      try await IndexContents(index: Self.image(Self.amd64), at: "b")
    }
  }
}
