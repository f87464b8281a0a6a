import Foundation
import OrderedJSON
import TestSupport
import Testing

/// A place where a spec can be built by every executor, by root and by ordinary users.
struct ExecutorPlace {
  let place: Workplace
  /// Where scripts have their files; nothing may stay there.
  let scratch: String
  let tool: String

  init() async throws {
    try Program.require("qemu-system-x86_64", package: "qemu-system-x86")
    place = try Workplace()
    scratch = place.directory.appending("scratch")
    tool = place.directory.appending("bin/cooper")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    try FileManager.default.createDirectory(
      atPath: place.directory.appending("bin"), withIntermediateDirectories: false)
    // Where an ordinary user can reach them; by another process, since what this one writes may be open in one that it starts meanwhile.
    try await Program.check("cp", [Program.builtTool, MachineParts.guest, place.directory.appending("bin")])
    chmod(place.directory.path, 0o755)
    chmod(scratch, 0o1777)
  }

  /// Writes a spec of an image whose archive is not compressed.
  func write(_ members: JSONObject) throws -> String {
    var spec: JSONObject = ["compressor": "none"]
    spec.append(contentsOf: members)
    return try place.directory.write(
      String(decoding: JSONValue.object(spec).serialized(), as: UTF8.self), to: "spec.json")
  }

  /// Builds the spec; `user` is the number of an ordinary user.
  func build(
    _ spec: String, _ executor: String, kind: String = "image", user: String? = nil,
    environment: [String: String] = [:]
  ) async throws -> Program.Result {
    let identity = user.map { ["setpriv", "--reuid", $0, "--regid", $0, "--clear-groups"] } ?? []
    var variables = [
      "TMPDIR": scratch, "HOME": place.directory.path, "COOPER_KERNEL": try await MachineParts.kernel(),
      "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]
    variables.merge(environment) { $1 }
    let command = identity + [tool, "build", kind, spec, "-o", "-", "-q", "--executor", executor]
    return try await Program.run("env", command, environment: variables, timeout: .seconds(300))
  }

  /// Builds the spec, and expects the same bytes of each executor and user as of `namespace` as this user.
  func expectSame(
    _ spec: String, kind: String = "image", by others: [(executor: String, user: String?)]
  ) async throws {
    let expected = try await build(spec, "namespace", kind: kind)
    try #require(expected.status == 0, "\(expected.errors)")
    for (executor, user) in others {
      let result = try await build(spec, executor, kind: kind, user: user)
      try #require(result.status == 0, "\(executor): \(result.errors)")
      #expect((result.output == expected.output) as Bool, "\(executor) of \(user ?? "root")")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
  }
}
