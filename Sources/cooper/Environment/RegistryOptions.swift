import ArgumentParser
import Registry

/// The options of every command that talks to registries.
struct RegistryOptions: ParsableArguments {
  @Option(
    name: .customLong("tls-verify"),
    help: ArgumentHelp(
      "Whether certificates must be valid. --tls-verify=false also allows plain http.",
      valueName: "true|false"))
  var tlsVerify: Bool?

  @Option(
    help: ArgumentHelp(
      "The only login file to use, instead of those of Docker and podman.", valueName: "file"))
  var authfile: String?

  @Option(
    name: .customLong("cert-dir"),
    help: ArgumentHelp(
      "Directory with *.crt (authorities to trust) and *.cert with *.key (client certificate).",
      valueName: "directory"))
  var certificateDirectory: String?

  @Option(
    name: .customLong("creds"),
    help: ArgumentHelp(
      "Name and password for the registry. Other users of this machine can see them; "
        + "better use cooper login. Without a password, it is asked for.", valueName: "user[:password]"))
  var credentials: String?

  @Option(help: ArgumentHelp("How often a failed request is tried again.", valueName: "number"))
  var retry: Int?

  @Option(
    name: .customLong("stall-seconds"),
    help: ArgumentHelp(
      "How long almost nothing may arrive before a transfer is begun anew.", valueName: "seconds",
      visibility: .hidden))
  var stallSeconds: Int?

  mutating func validate() throws {
    if let retry, !(0...100).contains(retry) {
      throw ValidationError("--retry must be a number from 0 to 100, but is \(retry).")
    }
    if let stallSeconds, !(1...3600).contains(stallSeconds) {
      throw ValidationError("--stall-seconds must be a number from 1 to 3600, but is \(stallSeconds).")
    }
    if let credentials, credentials.isEmpty || credentials.hasPrefix(":") {
      throw ValidationError("--creds must be USER or USER:PASSWORD; the user is missing.")
    }
  }

  /// What `--creds` says; asks for the password when it is left out.
  func explicitCredentials(terminal: Terminal = .standard) throws -> Credentials? {
    guard let text = credentials else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let password = parts.count == 2 ? parts[1] : try terminal.secret(prompt: "Password of \(parts[0]): ")
    return .basic(user: parts[0], password: password)
  }
}
