import Foundation
import TestSupport
import Testing

@testable import cooper

/// Programs and login files of users that are made up.
@Suite struct FindingsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func environment(_ variables: [String: String] = [:], userID: UInt32 = 4242) -> ProcessEnvironment {
    ProcessEnvironment(
      variables: ["PATH": directory.appending("bin")].merging(variables) { $1 },
      home: directory.appending("home"),
      userID: userID)
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
