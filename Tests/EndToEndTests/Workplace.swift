import Foundation
import TestSupport

/// A user of the tool: a home of one's own, and a directory that results go into.
struct Workplace {
  let home: TemporaryDirectory
  let directory: TemporaryDirectory

  init() throws {
    home = try TemporaryDirectory()
    directory = try TemporaryDirectory()
  }

  func remove() {
    home.remove()
    directory.remove()
  }

  /// The archive that `pull` writes.
  var archivePath: String { directory.appending("out.tar") }

  /// The arguments of a pull into `archivePath`, under a name that does not depend on the registry's port.
  func pullArguments(_ reference: String, _ more: [String] = []) -> [String] {
    ["pull", reference, "-o", archivePath, "--final-image-name", "final", "--final-image-tag", "1"] + more
  }

  func cooper(
    _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = []
  ) async throws -> Program.Result {
    try await Program.cooper(arguments, home: home, environment: environment, input: input)
  }

  func pull(
    _ reference: String, _ more: [String] = [], environment: [String: String] = [:]
  ) async throws -> Outcome {
    let result = try await cooper(pullArguments(reference, more), environment: environment)
    return try outcome(of: result)
  }

  /// What a pull, already run, has left.
  func outcome(of result: Program.Result) throws -> Outcome {
    Outcome(
      status: result.status, errors: result.errors,
      archive: directory.contains("out.tar") ? try directory.read("out.tar") : nil,
      others: try directory.names().filter { $0 != "out.tar" })
  }

  /// The names of the files in the cache.
  func cachedNames() throws -> [String] {
    guard home.contains(".cache/cooper/blobs") else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: home.appending(".cache/cooper/blobs")).sorted()
  }

  /// What a pull left behind.
  struct Outcome {
    let status: Int32
    let errors: String
    /// Nil when there is none.
    let archive: [UInt8]?
    /// The names beside it.
    let others: [String]

    /// Whether nothing at all was left.
    var leftNothing: Bool { archive == nil && others.isEmpty }
  }
}
