import ArgumentParser
import Registry
import Testing

@testable import cooper

@Suite struct SideOptionsTests {
  private static func sides(
    _ arguments: [String]
  ) throws -> (source: RegistryOptions, destination: RegistryOptions, all: Copy) {
    let copy = try #require(try Copy.parseAsRoot(["a", "b"] + arguments) as? Copy)
    return (copy.sides.source(copy.registry), copy.sides.destination(copy.registry), copy)
  }

  @Test func `what is given for one side is for that side alone, and the rest for both`() throws {
    let (source, destination, _) = try Self.sides([
      "--creds", "c:1", "--dest-creds", "d:2", "--tls-verify=false", "--src-tls-verify=true",
      "--src-authfile", "s.json", "--dest-cert-dir", "certs", "--retry", "7",
    ])
    #expect(source.credentials == "c:1" && destination.credentials == "d:2")
    #expect(source.tlsVerify == true && destination.tlsVerify == false)
    #expect(source.authfile == "s.json" && destination.authfile == nil)
    #expect(source.certificateDirectory == nil && destination.certificateDirectory == "certs")
    #expect(source.retry == 7 && destination.retry == 7)
  }

  @Test(arguments: [["--src-creds", ""], ["--dest-creds", ":x"]])
  func `credentials without a user are refused`(arguments: [String]) {
    #expect(throws: (any Error).self) { try Copy.parseAsRoot(["a", "b"] + arguments) }
  }

  @Test(
    arguments: [
      (["--creds", "u:p"], "a.com", "b.com", true), (["--creds", "u:p"], "a.com", "a.com", false),
      (["--creds", "u:p"], nil, "b.com", false),
      (["--creds", "u:p", "--src-creds", "x:y"], "a.com", "b.com", false),
      (["--src-creds", "x:y"], "a.com", "b.com", false),
    ] as [([String], String?, String?, Bool)])
  func `one password is not shown to two registries`(
    arguments: [String], source: String?, destination: String?, isRefused: Bool
  ) throws {
    let copy = try Self.sides(arguments).all
    let check = { try copy.sides.check(copy.registry, source: source, destination: destination) }
    if isRefused { #expect(throws: UsageError.self) { try check() } } else { try check() }
  }
}
