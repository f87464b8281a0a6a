import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import NixStore

@Suite struct StorePathPlacesTests {
  private static let hash = "6bpgi6p9c5g94j2459mkz0c4m754vdgf"

  @Test(arguments: [("", ""), ("/", ""), ("/bin/sh", "bin/sh"), ("/bin//./sh/", "bin/sh"), ("/..a", "..a")])
  func `a file inside is found by store path and member`(suffix: String, member: String) throws {
    let found = try StorePath.locate("/nix/store/\(Self.hash)-x\(suffix)")
    #expect(found.storePath.baseName == "\(Self.hash)-x")
    #expect(found.member == member)
  }

  @Test(arguments: [
    "/nix/store", "/nix/store/", "/nix/storex/\(hash)-x", "/nix/store/\(hash)", "/nix/store/.links/x",
    "/nix/store/\(hash)-x/../y", "nix/store/\(hash)-x", "",
  ])
  func `what is not inside a store path is refused`(path: String) {
    #expect(throws: StorePathError.self) { try StorePath.locate(path) }
  }

  @Test func `the store is what the path lies in`() throws {
    let path = try StorePath(inAnyStore: "/home/me/my-store/\(Self.hash)-x-1.0")
    #expect(path.storeDirectory == "/home/me/my-store")
    #expect(path.name == "x-1.0")
    #expect(path.location(below: "/mnt").string == "/mnt/home/me/my-store/\(Self.hash)-x-1.0")
    #expect(path.location().string == path.description)
  }

  @Test(arguments: ["", "x", "nix/store/\(hash)-x", "/\(hash)-x", "/nix/store/x", "/nix/store/\(hash)-x/"])
  func `something in no store is refused`(path: String) {
    #expect(throws: StorePathError.self) { try StorePath(inAnyStore: path) }
  }

  @Test func `names come before hashes when ordered by name`() throws {
    let paths = try ["b-a", "a-b", "a-a", "c-a-b"].map(SmallStore.path)
    let sorted = paths.sorted(by: StorePath.isOrderedByName)
    #expect(sorted.map { $0.hashPart.prefix(1) + $0.name } == ["aa", "ba", "ca-b", "ab"])
    #expect(paths.sorted().map { $0.hashPart.prefix(1) + $0.name } == ["aa", "ab", "ba", "ca-b"])
  }

  @Test func `something that no store has cannot be measured`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let pipe = directory.appending("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    #expect(throws: NARError.unsupportedType(path: pipe)) {
      try NARMeasurement(ofTreeAt: FilePath(directory.path))
    }
    #expect(throws: (any Error).self) { try NARMeasurement(ofTreeAt: FilePath(directory.appending("none"))) }
  }
}
