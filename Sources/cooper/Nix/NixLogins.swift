import OCIModel
import OrderedJSON
import SystemPackage

/// The logins that a build which fetches an image has, besides those in the file that `REGISTRY_AUTH_FILE` names.
///
/// Files that are named must be visible to the build.
struct NixLogins {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  /// A login file in the form of Docker's `config.json`; nil when there is nothing to say.
  ///
  /// In this order: the expression's own file, its netrc, the text in `DOCKER_AUTH_CONFIG` (as GitLab's runners have it), the file in `NETRC`.
  func file() throws -> FilePath? {
    let environment = ProcessEnvironment.current
    if let path = step.optionalText("authfile") { return FilePath(path) }
    if let path = step.optionalText("netrc") { return try convert(path) }
    if let text = environment["DOCKER_AUTH_CONFIG"] { return try keep(Array(text.utf8)) }
    return try environment["NETRC"].flatMap(convert)
  }

  private func convert(_ path: String) throws -> FilePath? {
    let text = String(decoding: try UserFile.contents(of: path), as: UTF8.self)
    let registry = try Reference(parsing: step.text("imageName")).domain
    return try Netrc(parsing: text).loginFile(for: registry).map {
      try keep(JSONValue.object($0).serialized())
    }
  }

  private func keep(_ bytes: [UInt8]) throws -> FilePath {
    let path = step.scratch.appending("logins.json")
    try FileOutput.write(bytes, to: path, mode: 0o600)
    return path
  }
}
