import ArchiveIO
import ImageBuild
import NixStore
import TestSupport
import Testing

/// Store paths are found by their hashes, as Nix does (nix-integration.md, section 8, "the scanner").
@Suite struct StoreReferencesTests {
  private static let hash = "0glmsr5ab3bms0hn9k9s68f440m0i6bf"
  private static let path = "/nix/store/\(hash)-glibc-2.38"
  private static let references = StoreReferences(storeDirectory: "/nix/store")

  private static func found(_ text: String, existing: Set<String> = [path]) -> [String] {
    references.find(in: text.utf8) { existing.contains($0.description) }.map(\.description)
  }

  @Test(arguments: [
    path, "see \(path).", "\(path)/lib/libc.so", "PATH=\(path)/bin:/bin", "\"\(path)\"",
    "../\(hash)-glibc-2.38/lib",
    // A link's target of exactly 100 bytes is followed by the next field of the header.
    "\(path)ustar  ", "x\(hash)-glibc-2.38", "\(path)?.=", "\(path)-doc-that-is-not-there",
  ])
  func `a path is found whatever is before and behind it`(text: String) {
    #expect(Self.found(text) == [Self.path])
  }

  @Test func `the longest name that exists is meant`() {
    let doc = Self.path + "-doc"
    #expect(Self.found(doc + "/share", existing: [Self.path, doc]) == [doc])
  }

  @Test(arguments: [
    "\(hash)_glibc", "/nix/store/0elmsr5ab3bms0hn9k9s68f440m0i6bf-glibc-2.38", "../\(hash)-other", "", "-",
    hash,
    String(hash.dropFirst()) + "-glibc-2.38",
  ])
  func `what is no path of the store is none`(text: String) {
    #expect(Self.found(text).isEmpty)
  }

  @Test(arguments: ["/nix/store/\(hash)-gone", "at /nix/store/\(hash)-gone."])
  func `a path that is written in full and does not exist is given as it is`(text: String) {
    let written = text.hasSuffix(".") ? "/nix/store/\(Self.hash)-gone." : "/nix/store/\(Self.hash)-gone"
    #expect(Self.found(text) == [written])
  }
}
