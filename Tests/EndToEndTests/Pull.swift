import TestSupport

/// The same pull, by the two programs.
enum Pull {
  struct Outcome {
    /// Nil when the program refused.
    let archive: [UInt8]?
    let errors: String
    /// Names of files other than the archive.
    let leftovers: [String]

    /// Nil when both refuse, or both have written the same.
    func firstDifference(from other: Outcome) -> String? {
      switch (archive, other.archive) {
      case (nil, nil): nil
      case (nil, .some): "refused"
      case (.some, nil): "accepted"
      case (let ours?, let theirs?):
        if ours == theirs {
          nil
        } else {
          "differs at byte \(zip(ours, theirs).prefix { $0 == $1 }.count), of \(ours.count) and \(theirs.count) bytes"
        }
      }
    }
  }

  static func bySkopeo(_ reference: String, _ platform: String = "linux/amd64") async throws -> Outcome {
    try Program.require("skopeo", package: "skopeo")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (os, architecture, variant) = split(platform)
    let options =
      ["--insecure-policy", "--tmpdir", directory.path, "--override-os", os, "--override-arch", architecture]
      + variant.flatMap { ["--override-variant", $0] }
    let result = try await Program.run(
      "skopeo",
      options + [
        "copy", "--src-tls-verify=false", "docker://\(reference)",
        "docker-archive:\(directory.appending("out")):final/name:final-tag",
      ], environment: ["HOME": directory.path])
    return Outcome(
      archive: result.status == 0 ? try directory.read("out") : nil, errors: result.errors, leftovers: [])
  }

  static func byCooper(
    _ reference: String, _ platform: String = "linux/amd64",
    name: (String, String) = ("final/name", "final-tag"),
    _ more: [String] = []
  ) async throws -> Outcome {
    let (home, directory) = (try TemporaryDirectory(), try TemporaryDirectory())
    defer {
      home.remove()
      directory.remove()
    }
    let (os, architecture, variant) = split(platform)
    let result = try await Program.cooper(
      [
        "pull", reference, "-o", "docker-archive:\(directory.appending("out"))", "--final-image-name", name.0,
        "--final-image-tag", name.1, "--os", os, "--arch", architecture, "--tls-verify=false",
      ] + variant.flatMap { ["--variant", $0] } + more, home: home)
    return Outcome(
      archive: result.status == 0 ? try directory.read("out") : nil, errors: result.errors,
      leftovers: try directory.names().filter { result.status != 0 || $0 != "out" })
  }

  /// The variant is a list of one or none.
  private static func split(_ platform: String) -> (os: String, architecture: String, variant: [String]) {
    let parts = platform.split(separator: "/").map(String.init)
    return (parts[0], parts[1], Array(parts.dropFirst(2)))
  }
}
