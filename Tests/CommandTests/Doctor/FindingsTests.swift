import Foundation
import TestSupport
import Testing

@testable import cooper

/// Ranges of numbers, programs and login files of users that are made up.
@Suite struct FindingsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func environment(_ variables: [String: String] = [:], userID: UInt32 = 4242) -> ProcessEnvironment {
    var environment = ProcessEnvironment(
      variables: ["PATH": directory.appending("bin")].merging(variables) { $1 },
      home: directory.appending("home"),
      userID: userID)
    environment.systemDirectory = directory.appending("etc")
    return environment
  }

  private func idRanges(userID: UInt32 = 4242) throws -> Finding {
    try #require(NamespaceFindings(environment(userID: userID)).findings.first { $0.name == "id ranges" })
  }

  @Test func `a range of numbers needs two programs and two files`() async throws {
    #expect(try idRanges().fact == "no newuidmap and newgidmap in PATH")
    for name in ["newuidmap", "newgidmap"] {
      try await directory.writeProgram("#!/bin/sh\n", to: "bin/\(name)")
    }
    #expect(try idRanges().state == .limited)
    try directory.write("someone:100000:65536\n4242:200000:1000\n4242:300000:65536\n", to: "etc/subuid")
    try directory.write("4242:300000:65535\n", to: "etc/subgid")
    #expect(try idRanges().fact.contains("65535 in \(directory.path)/etc/subgid"))
    try directory.write("42420:1:70000\n4242:300000:70000\n", to: "etc/subgid")
    let found = try idRanges()
    #expect(found.state == .good)
    #expect(found.fact == "65536 numbers")
    #expect(try idRanges(userID: 0).fact.contains("root"))
  }

  @Test func `lines of a file of ranges that are none are passed over`() throws {
    let name = try #require(getpwuid(0).flatMap { $0.pointee.pw_name }.map { String(cString: $0) })
    let path = try directory.write(
      ":5:6\n\(name)\n\(name):1\n\(name):1:x\n\(name):1:7\n0:1:3:9\n", to: "ranges")
    #expect(NamespaceFindings.largestRange(in: path, user: 0) == 7)
    #expect(NamespaceFindings.largestRange(in: path, user: 4_000_000_000) == 0)
  }

  @Test func `login files are told in the order of their use`() throws {
    let environment = environment(["XDG_RUNTIME_DIR": directory.appending("run")])
    func found() -> Finding { ToolFindings.logins(LoginFiles(authfile: nil, environment: environment)) }
    #expect(found().state == .limited)
    let docker = try directory.write("{}", to: "home/.docker/config.json")
    #expect(found().fact == "\(docker); cooper login writes \(docker)")
    let podman = try directory.write("{}", to: "run/containers/auth.json")
    #expect(found().state == .good)
    #expect(found().fact == "\(podman), then \(docker); cooper login writes \(docker)")
  }

  @Test func `a program is found in PATH and nowhere else`() async throws {
    func found() -> Finding {
      ToolFindings.program("some-tool", package: "some", environment(), cost: "that is bad")
    }
    #expect(found().text(width: 12) == "✗ some-tool     not in PATH: that is bad; install Debian's some")
    let path = try await directory.writeProgram("#!/bin/sh\n", to: "bin/some-tool")
    #expect(found().text(width: 9) == "✓ some-tool  \(path)")
  }
}
