import ArgumentParser
import OCIModel

/// Registry options for the source or the destination of a copy alone, as skopeo names them.
struct SideOptions: ParsableArguments {
  @Option(
    name: .customLong("src-tls-verify"),
    help: ArgumentHelp("--tls-verify for the source alone.", valueName: "true|false"))
  var sourceTLSVerify: Bool?

  @Option(
    name: .customLong("dest-tls-verify"),
    help: ArgumentHelp("--tls-verify for the destination alone.", valueName: "true|false"))
  var destinationTLSVerify: Bool?

  @Option(
    name: .customLong("src-authfile"),
    help: ArgumentHelp("--authfile for the source alone.", valueName: "file"))
  var sourceAuthfile: String?

  @Option(
    name: .customLong("dest-authfile"),
    help: ArgumentHelp("--authfile for the destination alone.", valueName: "file"))
  var destinationAuthfile: String?

  @Option(
    name: .customLong("src-cert-dir"),
    help: ArgumentHelp("--cert-dir for the source alone.", valueName: "directory"))
  var sourceCertificateDirectory: String?

  @Option(
    name: .customLong("dest-cert-dir"),
    help: ArgumentHelp("--cert-dir for the destination alone.", valueName: "directory"))
  var destinationCertificateDirectory: String?

  @Option(
    name: .customLong("src-creds"),
    help: ArgumentHelp("--creds for the source alone.", valueName: "user[:password]"))
  var sourceCredentials: String?

  @Option(
    name: .customLong("dest-creds"),
    help: ArgumentHelp("--creds for the destination alone.", valueName: "user[:password]"))
  var destinationCredentials: String?

  mutating func validate() throws {
    for (name, text) in [("--src-creds", sourceCredentials), ("--dest-creds", destinationCredentials)] {
      guard let text, text.isEmpty || text.hasPrefix(":") else { continue }
      throw ValidationError("\(name) must be USER or USER:PASSWORD; the user is missing.")
    }
  }

  /// Whether any of them was given.
  var areGiven: Bool {
    sourceTLSVerify != nil || destinationTLSVerify != nil || sourceCredentials != nil
      || destinationCredentials != nil
      || [sourceAuthfile, destinationAuthfile, sourceCertificateDirectory, destinationCertificateDirectory]
        .contains { $0 != nil }
  }

  /// The common options, with what is given for the source in their place.
  func source(_ common: RegistryOptions) -> RegistryOptions {
    common.replacing(
      tlsVerify: sourceTLSVerify, authfile: sourceAuthfile,
      certificateDirectory: sourceCertificateDirectory, credentials: sourceCredentials)
  }

  /// The common options, with what is given for the destination in their place.
  func destination(_ common: RegistryOptions) -> RegistryOptions {
    common.replacing(
      tlsVerify: destinationTLSVerify, authfile: destinationAuthfile,
      certificateDirectory: destinationCertificateDirectory, credentials: destinationCredentials)
  }

  /// Refuses to show one registry's password to another one.
  func check(_ common: RegistryOptions, source: String?, destination: String?) throws {
    guard common.credentials != nil, sourceCredentials == nil, destinationCredentials == nil,
      let source, let destination, source != destination
    else { return }
    throw UsageError(
      "--creds would go to both \(source) and \(destination); say --src-creds or --dest-creds")
  }
}

extension RegistryOptions {
  fileprivate func replacing(
    tlsVerify: Bool?, authfile: String?, certificateDirectory: String?, credentials: String?
  ) -> RegistryOptions {
    var options = self
    options.tlsVerify = tlsVerify ?? self.tlsVerify
    options.authfile = authfile ?? self.authfile
    options.certificateDirectory = certificateDirectory ?? self.certificateDirectory
    options.credentials = credentials ?? self.credentials
    return options
  }
}
