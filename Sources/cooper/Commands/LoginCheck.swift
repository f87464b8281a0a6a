import ArgumentParser
import HTTPTransport
import Registry

extension RegistryEnvironment {
  /// Shows a login to its registry.
  ///
  /// - Returns: false when the registry did not want to know, so that nothing is known of the login.
  /// - Throws: `RegistryError` when the registry cannot be reached or refuses.
  func checkLogin(_ credentials: Credentials, for name: LoginName) async throws -> Bool {
    // No namespace is looked at: registries give a token to everybody who exists, with or without rights in it.
    var configuration = configuration(for: .push, at: name.domain)
    configuration.credentials = { _ in credentials }
    configuration.userAgent = "cooper/\(Cooper.configuration.version)"
    configuration.report = { Console.error("cooper: \($0)") }
    let client = RegistryClient(transport: CurlTransport(), configuration: configuration)
    return try await client.checkLogin(endpoint(registry: name.domain)) == .accepted
  }
}
