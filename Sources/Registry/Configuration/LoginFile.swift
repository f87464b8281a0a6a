import OrderedJSON

/// A file of logins: Docker's `config.json`, podman's `auth.json`, or the `.dockercfg` that came before.
///
/// Everything that is not a login keeps its value and place when the file is edited. registry-protocol.md,
/// section 12.
public struct LoginFile: Sendable {
  /// Where the logins are in the document.
  public enum Layout: Sendable, Hashable {
    /// In the member `auths`.
    case current
    /// At the top (`.dockercfg`).
    case flat
  }

  /// Where a login may come from, best first.
  public enum Source: Sendable, Hashable {
    /// From the file itself.
    case credentials(Credentials)
    /// From `docker-credential-NAME`, asked for `serverAddress`.
    case helper(name: String, serverAddress: String)
  }

  private var root: JSONObject
  private let layout: Layout
  private let name: String

  /// A file without logins.
  public init(name: String) {
    root = JSONObject()
    layout = .current
    self.name = name
  }

  /// Reads a file; `name` is for messages.
  ///
  /// Empty contents are a file without logins, as `touch` and podman leave it.
  ///
  /// - Throws: `ConfigurationError`.
  public init(parsing contents: [UInt8], name: String, layout: Layout = .current) throws(ConfigurationError) {
    self.layout = layout
    self.name = name
    guard contents.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
      root = JSONObject()
      return
    }
    do throws(JSONError) {
      guard let object = try JSONValue(parsing: contents).object else {
        throw JSONError.syntax("expected an object", offset: 0)
      }
      root = object
    } catch {
      // What jansson says of a place may quote the text around it, and that may be a password.
      throw .notJSON(file: name, problem: Self.withoutQuotation(error))
    }
    for member in ["auths", "credHelpers"] where layout == .current { _ = try object(member) }
    _ = try credentialsStore
  }

  private static func withoutQuotation(_ error: JSONError) -> String {
    switch error {
    case .syntax(_, let offset): "not a JSON object; the fault is near byte \(offset)"
    case .duplicateMember(_, let offset): "a member occurs twice, near byte \(offset)"
    case .tooDeep, .tooLarge: error.description
    }
  }

  /// The document, to be written.
  public var contents: [UInt8] { JSONValue.object(root).serialized(.indented(by: 2)) + [0x0A] }

  // MARK: Looking up

  /// Where a login for an image or registry may come from, in the order to ask.
  ///
  /// `credHelpers` goes first, then the entry with the longest name, then `credsStore`. An entry without
  /// content is none.
  ///
  /// - Throws: `ConfigurationError.invalid` when the entry that counts cannot be read.
  public func sources(for name: LoginName) throws(ConfigurationError) -> [Source] {
    let ownHelper = try helper(for: name)
    let entry = try credentials(for: name).map(Source.credentials)
    let store = ownHelper == nil ? try credentialsStore : nil
    let storeSource = store.map { Source.helper(name: $0, serverAddress: name.serverAddress) }
    return [ownHelper, entry, storeSource].compactMap { $0 }
  }

  /// The helper that keeps a registry's login by `credHelpers` or `credsStore`.
  public func keeper(for name: LoginName) throws(ConfigurationError) -> (name: String, serverAddress: String)?
  {
    if case .helper(let helper, let address)? = try helper(for: name) { return (helper, address) }
    return try credentialsStore.map { ($0, name.serverAddress) }
  }

  private var credentialsStore: String? {
    get throws(ConfigurationError) {
      guard layout == .current, let value = root["credsStore"], !value.isNull else { return nil }
      guard let store = value.string else { throw fault("credsStore", expected: "a string", found: value) }
      return store.isEmpty ? nil : store
    }
  }

  private func helper(for name: LoginName) throws(ConfigurationError) -> Source? {
    guard layout == .current, let registry = LoginName(name.domain) else { return nil }
    let helpers = try object("credHelpers")
    let isHere = { (key: String) in helpers[key] != nil }
    guard
      let key = isHere(registry.domain) ? registry.domain : helpers.names.first(where: registry.isMeant(by:)),
      let value = helpers[key]
    else { return nil }
    guard let helper = value.string else {
      throw fault("credHelpers.\(key)", expected: "a string", found: value)
    }
    return helper.isEmpty ? nil : .helper(name: helper, serverAddress: key)
  }

  private func credentials(for name: LoginName) throws(ConfigurationError) -> Credentials? {
    let entries = try entries
    for outer in name.namesOutwards {
      // `.dockercfg` never had more than registries.
      if layout == .flat, !outer.path.isEmpty { continue }
      let keys = [outer.description] + (outer.path.isEmpty ? entries.names.filter(outer.isMeant(by:)) : [])
      for key in keys {
        if let value = entries[key], let found = try credentials(value, key: key) { return found }
      }
    }
    return nil
  }

  private func credentials(_ value: JSONValue, key: String) throws(ConfigurationError) -> Credentials? {
    if value.isNull { return nil }
    let place = layout == .current ? "auths.\(key)" : key
    guard let object = value.object else { throw fault(place, expected: "an object", found: value) }
    return try LoginEntry(object, file: name, place: place).credentials
  }

  // MARK: Editing

  /// The keys of all entries, in order.
  public var keys: [String] { (try? entries.names) ?? [] }

  /// Keeps a name and password in the file, in place of what it had for `name`.
  public mutating func set(user: String, password: String, for name: LoginName) {
    edit { entries in
      let key = entries[name.description] != nil ? name.description : name.key
      var entry = entries[key]?.object ?? JSONObject()
      LoginEntry.set(user: user, password: password, in: &entry)
      // Other spellings of the same registry would be found by other programs, with the old password.
      for other in entries.names where other != key && name.isMeant(by: other) { entries[other] = nil }
      entries[key] = .object(entry)
    }
  }

  /// Notes, by an entry without content, that a helper keeps the login for `name`.
  public mutating func setKept(for name: LoginName) {
    edit { entries in
      for other in entries.names where other != name.key && name.isMeant(by: other) { entries[other] = nil }
      entries[name.key] = [:]
    }
  }

  /// Removes what the file has for exactly this name, in any spelling.
  ///
  /// Returns the removed keys.
  @discardableResult
  public mutating func remove(_ name: LoginName) -> [String] {
    edit { entries in
      let keys = entries.names.filter { $0 == name.description || name.isMeant(by: $0) }
      for key in keys { entries[key] = nil }
      return keys
    }
  }

  /// Removes every entry.
  ///
  /// Returns their keys.
  @discardableResult
  public mutating func removeAll() -> [String] {
    edit { entries in
      defer { entries = JSONObject() }
      return entries.names
    }
  }

  private mutating func edit<Result>(_ change: (inout JSONObject) -> Result) -> Result {
    switch layout {
    case .flat: return change(&root)
    case .current:
      var entries = root["auths"]?.object ?? JSONObject()
      defer { root["auths"] = .object(entries) }
      return change(&entries)
    }
  }

  // MARK: Parts

  private var entries: JSONObject {
    get throws(ConfigurationError) { layout == .flat ? root : try object("auths") }
  }

  private func object(_ member: String) throws(ConfigurationError) -> JSONObject {
    guard let value = root[member], !value.isNull else { return JSONObject() }
    guard let object = value.object else { throw fault(member, expected: "an object", found: value) }
    return object
  }

  private func fault(_ place: String, expected: String, found: JSONValue) -> ConfigurationError {
    .invalid(file: name, place: place, expected: expected, found: found.kindName)
  }
}
