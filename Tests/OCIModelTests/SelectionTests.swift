import Hashing
import Testing

@testable import OCIModel

/// An entry of an index in short: `linux/arm/v7`, `-` for one without platform, with a mark behind `!`.
private func entry(_ text: String, number: Int) -> Descriptor {
  var descriptor = Descriptor(mediaType: .ociManifest, digest: Digest(of: [UInt8(number)]), byteCount: 1)
  let marked = text.split(separator: "!")
  let parts = marked[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  if parts != ["-"] {
    descriptor.platform = Platform(
      os: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
  }
  switch marked.dropFirst().first {
  case "attestation": descriptor.annotations["vnd.docker.reference.type"] = "attestation-manifest"
  case "zstd": descriptor.annotations["io.github.containers.compression.zstd"] = "true"
  case "index": descriptor.mediaType = .ociIndex
  case "list": descriptor.mediaType = .dockerManifestList
  case "old": descriptor.platform?.osVersion = "10.0.17763.1"
  case "new": descriptor.platform?.osVersion = "10.0.20348.1"
  case "features": descriptor.platform?.osFeatures = ["win32k"]
  default: break
  }
  return descriptor
}

private func index(_ entries: [String], _ kind: ManifestKind = .oci) -> ImageIndex {
  ImageIndex(kind: kind, manifests: entries.enumerated().map { entry($1, number: $0) })
}

private func request(_ text: String) -> PlatformRequest {
  let parts = text.split(separator: "/").map(String.init)
  return PlatformRequest(os: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
}

/// A request, the entries that are there, the number of the one to take, and why.
struct Choice: Sendable, CustomTestStringConvertible {
  let asked: String
  let entries: [String]
  let taken: Int
  let reason: String

  init(_ asked: String, _ entries: [String], takes taken: Int, _ reason: String) {
    self.asked = asked
    self.entries = entries
    self.taken = taken
    self.reason = reason
  }

  var testDescription: String { "\(asked) of \(entries): \(reason)" }
}

@Suite struct SelectionTests {
  static let choices = [
    Choice("linux/amd64", ["linux/arm64", "linux/amd64"], takes: 1, "system and processor must be equal"),
    Choice("linux/amd64", ["windows/amd64", "linux/amd64"], takes: 1, "so must the system"),
    Choice("linux/amd64", ["linux/amd64", "linux/amd64"], takes: 0, "of equal entries the first is taken"),
    Choice(
      "linux/amd64", ["linux/amd64", "linux/amd64!zstd"], takes: 0,
      "compression is not preferred, as in 1.9.3"),
    Choice(
      "linux/amd64", ["linux/amd64/v2", "linux/amd64"], takes: 1, "a variant nobody asked for is not taken"),
    Choice("linux/amd64", ["linux/amd64/", "linux/amd64"], takes: 0, "an empty variant is none"),
    Choice(
      "linux/amd64/v3", ["linux/amd64", "linux/amd64/v3"], takes: 1,
      "an unknown variant is taken when asked for"),
    Choice("linux/amd64/v3", ["linux/amd64/v2", "linux/amd64"], takes: 1, "but none is known to be lower"),
    Choice(
      "linux/arm", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8"], takes: 3,
      "without variant the list goes from the top"),
    Choice("linux/arm", ["linux/arm/v8", "linux/arm"], takes: 1, "but an entry without variant comes first"),
    Choice("linux/arm", ["linux/arm/v5", "linux/arm/v7"], takes: 1, "v7 before v5"),
    Choice("linux/arm", ["linux/arm/v4", "linux/arm/v5"], takes: 1, "v4 is not on the list"),
    Choice(
      "linux/arm/v7", ["linux/arm/v8", "linux/arm/v5", "linux/arm/v6"], takes: 2,
      "v6 is the best that v7 can run"),
    Choice("linux/arm/v7", ["linux/arm", "linux/arm/v5"], takes: 1, "lower variants before none"),
    Choice("linux/arm/v7", ["linux/arm/v8", "linux/arm"], takes: 1, "none before higher ones"),
    Choice(
      "linux/arm/v6", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"], takes: 1, "the variant itself first"),
    Choice("linux/arm/v9", ["linux/arm/v8", "linux/arm"], takes: 1, "nothing is known of v9"),
    Choice("linux/arm64", ["linux/arm64/v8"], takes: 0, "arm64 means v8"),
    Choice("linux/arm64", ["linux/arm64/v8", "linux/arm64"], takes: 1, "after an entry without variant"),
    Choice("linux/arm64/v8", ["linux/arm64", "linux/arm64/v8"], takes: 1, "asked for, v8 comes first"),
    Choice("linux/arm64/v8", ["linux/arm/v8", "linux/arm64"], takes: 1, "arm is another processor"),
    Choice("linux/arm64", ["linux/arm64/v9", "linux/arm64/v8"], takes: 1, "v9 is not on the list"),
    Choice("windows/amd64", ["windows/amd64!old", "windows/amd64!new"], takes: 0, "versions do not count"),
    Choice("windows/amd64", ["windows/amd64!features", "windows/amd64"], takes: 0, "neither do features"),
    Choice("linux/amd64", ["-", "linux/amd64"], takes: 1, "an entry without platform comes last"),
    Choice("linux/amd64", ["linux/arm64", "-", "-"], takes: 1, "and of several the first"),
    Choice("linux/arm/v7", ["-", "linux/arm"], takes: 1, "even after the last variant"),
    Choice("linux/amd64", ["unknown/unknown", "-"], takes: 1, "attestations are no last resort"),
    Choice("linux/amd64", ["linux/amd64!attestation", "linux/amd64"], takes: 1, "whatever their platform"),
    Choice("linux/amd64", ["-!attestation", "-"], takes: 1, "or without one"),
    Choice(
      "linux/amd64", ["linux/arm64!index", "linux/amd64"], takes: 1,
      "an index that is not chosen does no harm"),
    Choice(
      "freebsd/riscv64", ["linux/riscv64", "freebsd/riscv64"], takes: 1,
      "any system and processor can be asked"),
  ]

  @Test(arguments: choices)
  func `the entry is taken that containers-image takes`(choice: Choice) throws {
    let index = index(choice.entries)
    #expect(try index.select(request(choice.asked)) == index.manifests[choice.taken], "\(choice.reason)")
    guard index.manifests[choice.taken].platform != nil else { return }
    let list = self.index(choice.entries, .docker)
    #expect(try list.select(request(choice.asked)) == list.manifests[choice.taken], "in a manifest list too")
  }

  private func index(_ entries: [String], _ kind: ManifestKind = .oci) -> ImageIndex {
    OCIModelTests.index(entries, kind)
  }

  @Test(arguments: [
    ("linux/amd64", [], "there is nothing"), ("linux/amd64", ["linux/arm64"], "only another processor"),
    ("linux/amd64", ["linux/amd64/v2", "linux/amd64/v3"], "only variants"),
    ("linux/arm/v6", ["linux/arm/v7"], "only a higher variant"),
    ("Linux/amd64", ["linux/amd64"], "case counts"),
    ("linux/x86_64", ["linux/amd64"], "other names of a processor are not known here"),
    ("darwin/arm64", ["linux/arm64"], "no other system takes its place"),
    ("linux/amd64", ["/"], "an empty platform is not a missing one"),
    ("unknown/unknown", ["unknown/unknown"], "attestations cannot be asked for"),
  ])
  func `nothing is taken when nothing fits`(asked: String, entries: [String], reason: String) {
    #expect("\(reason)") {
      try index(entries).select(request(asked))
    } throws: {
      if case SelectionError.noMatch(request(asked), _) = $0 { true } else { false }
    }
  }

  @Test func `in a manifest list an entry without platform is never taken`() {
    #expect(throws: SelectionError.noMatch(request("linux/amd64"), available: [])) {
      try index(["-"], .docker).select(request("linux/amd64"))
    }
  }

  @Test(arguments: ["linux/amd64!index", "linux/amd64!list", "-!index"])
  func `an index inside an index is refused when chosen`(nested: String) {
    let outer = index([nested])
    #expect(throws: SelectionError.nestedIndex(request("linux/amd64"), outer.manifests[0].digest)) {
      try outer.select(request("linux/amd64"))
    }
  }

  @Test func `the error lists what is there, each platform once, without attestations`() {
    let entries = [
      "linux/amd64", "linux/arm/v7", "unknown/unknown", "linux/amd64", "windows/amd64!old", "-!attestation",
    ]
    let error = #expect(throws: SelectionError.self) { try index(entries).select(request("linux/s390x")) }
    #expect(
      error?.description
        == "the index has no image for linux/s390x; it has linux/amd64, linux/arm/v7, windows/amd64 (10.0.17763.1)"
    )
    let none = #expect(throws: SelectionError.self) { try index([]).select(request("linux/arm/v7")) }
    #expect(none?.description == "the index has no image for linux/arm/v7, and names no other platform")
  }

  @Test func `an empty variant asks for none`() {
    #expect(PlatformRequest(os: "linux", architecture: "arm", variant: "") == request("linux/arm"))
    #expect(request("linux/arm/v7").description == "linux/arm/v7")
    #expect(Platform(os: "linux", architecture: "arm", variant: "").variant == nil)
  }
}
