import Testing

@testable import ImageServing

@Suite struct RequestTests {
  @Test(arguments: [
    ("/v2", RegistryResource.version), ("/v2/", .version), ("/v2/_catalog", .catalog),
    ("/v2/a/b/tags/list", .tags(repository: "a/b")),
    ("/v2/a/manifests/1", .manifest(repository: "a", reference: "1")),
    ("/v2/manifests/manifests/manifests", .manifest(repository: "manifests", reference: "manifests")),
    ("/v2/a/blobs/sha256%3Aab", .blob(repository: "a", digest: "sha256:ab")),
    ("/v2/a/referrers/sha256:ab", .referrers(repository: "a", digest: "sha256:ab")),
  ])
  func `a path names a resource`(path: String, resource: RegistryResource) {
    #expect(RegistryResource(path: path[...]) == resource)
  }

  @Test(arguments: [
    "", "/", "v2/", "/v1/", "/v2x", "/v2/a", "/v2/a/b", "/v2/manifests/1", "/v2/a/tags/other",
    "/v2/a/uploads/b",
  ])
  func `other paths name none`(path: String) {
    #expect(RegistryResource(path: path[...]) == nil)
  }

  @Test(arguments: [
    (nil as String?, RequestedRange.everything), ("bytes=0-", .part(0..<10)), ("bytes=3-", .part(3..<10)),
    ("bytes=3-3", .part(3..<4)), ("bytes=3-99", .part(3..<10)), ("bytes=-4", .part(6..<10)),
    ("bytes=-99", .part(0..<10)), ("bytes=10-", .unsatisfiable), ("bytes=99-100", .unsatisfiable),
    ("bytes=-0", .unsatisfiable), ("bytes=5-4", .everything), ("bytes=0-1,3-4", .everything),
    ("bytes=", .everything), ("bytes=-", .everything), ("bytes=a-b", .everything), ("lines=1-2", .everything),
    ("bytes=0-9223372036854775807", .part(0..<10)), ("bytes=0-9223372036854775808", .everything),
    ("bytes=-9223372036854775807", .part(0..<10)), ("bytes=+1-2", .everything),
  ])
  func `a range of ten bytes`(field: String?, range: RequestedRange) {
    #expect(RequestedRange(field, of: 10) == range)
  }

  @Test(arguments: [nil as String?, "bytes=0-", "bytes=-1", "bytes=0-0"])
  func `no range of an empty blob is a part`(field: String?) {
    #expect(RequestedRange(field, of: 0) == (field == nil ? .everything : .unsatisfiable))
  }
}
