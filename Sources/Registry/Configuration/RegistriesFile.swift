/// One registries.conf or drop-in file, read and checked.
struct RegistriesFile {
  private(set) var rules: [RegistryRule] = []
  private(set) var credentialHelpers: [String]?
  private let name: String

  init(_ contents: [UInt8], name: String) throws(ConfigurationError) {
    self.name = name
    let document: TOML
    do throws(TOMLError) { document = try TOML(parsing: contents) } catch {
      throw .notTOML(file: name, error)
    }
    let root = Section(document, file: name, place: "")
    guard root["registries"] == nil else { throw .oldRegistriesFormat(file: name) }
    credentialHelpers = try root.strings("credential-helpers")
    for table in try root.tables("registry") {
      let rule = try rule(table)
      if let earlier = rules.firstIndex(where: { $0.prefix == rule.prefix }) { rules.remove(at: earlier) }
      rules.append(rule)
    }
  }

  private func rule(_ table: Section) throws(ConfigurationError) -> RegistryRule {
    let location = try place("location", of: table)
    guard let prefix = try place("prefix", of: table, mayHaveTag: true) ?? location else {
      throw table.fault("location", expected: "given, or \"prefix\"", found: "missing")
    }
    guard location != nil || prefix.hasPrefix("*.") else {
      throw table.fault(
        "location", expected: "given, as \"prefix\" does not begin with \"*.\"", found: "missing")
    }
    guard table["pull-from-mirror"] == nil else {
      throw table.fault(
        "pull-from-mirror", expected: "in a [[registry.mirror]] table", found: "in [[registry]]")
    }
    let digestOnly = try table.boolean("mirror-by-digest-only")
    var mirrors: [RegistryRule.Mirror] = []
    for mirror in try table.tables("mirror") {
      mirrors.append(try self.mirror(mirror, digestOnly: digestOnly))
    }
    return RegistryRule(
      file: name, prefix: prefix, location: location, isInsecure: try table.boolean("insecure"),
      isBlocked: try table.boolean("blocked"), mirrors: mirrors)
  }

  private func mirror(_ table: Section, digestOnly: Bool) throws(ConfigurationError) -> RegistryRule.Mirror {
    guard let location = try place("location", of: table) else {
      throw table.fault("location", expected: "given", found: "missing")
    }
    var use = digestOnly ? RegistryRule.MirrorUse.digestOnly : .all
    if let word = try table.string("pull-from-mirror"), !word.isEmpty {
      guard !digestOnly else {
        throw table.fault(
          "pull-from-mirror", expected: "absent beside \"mirror-by-digest-only\"", found: word)
      }
      guard let known = RegistryRule.MirrorUse(rawValue: word) else {
        throw table.fault(
          "pull-from-mirror", expected: "all, digest-only or tag-only", found: "\"\(word)\"")
      }
      use = known
    }
    return RegistryRule.Mirror(location: location, isInsecure: try table.boolean("insecure"), use: use)
  }

  /// A name of a registry, namespace or repository.
  ///
  /// Slashes at the end say nothing; an empty text is none.
  private func place(
    _ key: String, of table: Section, mayHaveTag: Bool = false
  ) throws(ConfigurationError) -> String? {
    guard var text = try table.string(key), !text.isEmpty else { return nil }
    while text.hasSuffix("/") { text.removeLast() }
    let path = text.drop { $0 != "/" }
    guard !text.isEmpty, !text.contains("://"), !text.contains(where: \.isWhitespace) else {
      throw table.fault(key, expected: "HOST[:PORT][/NAMESPACE…] without a scheme", found: "\"\(text)\"")
    }
    guard mayHaveTag || !path.contains(where: { $0 == ":" || $0 == "@" }) else {
      throw table.fault(key, expected: "a name without tag or digest", found: "\"\(text)\"")
    }
    return text
  }
}

extension RegistriesFile {
  /// A table with the place it has in the file.
  fileprivate struct Section {
    private let members: [String: TOML]
    private let file: String
    private let place: String

    init(_ value: TOML, file: String, place: String) {
      members = if case .table(let members) = value { members } else { [:] }
      self.file = file
      self.place = place
    }

    subscript(_ key: String) -> TOML? { members[key] }

    func fault(_ key: String, expected: String, found: String) -> ConfigurationError {
      .invalid(file: file, place: place.isEmpty ? key : "\(place).\(key)", expected: expected, found: found)
    }

    private func fault(_ key: String, expected: String, found: TOML) -> ConfigurationError {
      fault(key, expected: expected, found: found.kind)
    }

    func string(_ key: String) throws(ConfigurationError) -> String? {
      switch members[key] {
      case nil: return nil
      case .string(let text)?: return text
      case let other?: throw fault(key, expected: "a string", found: other)
      }
    }

    func boolean(_ key: String) throws(ConfigurationError) -> Bool {
      switch members[key] {
      case nil: return false
      case .boolean(let value)?: return value
      case let other?: throw fault(key, expected: "true or false", found: other)
      }
    }

    func strings(_ key: String) throws(ConfigurationError) -> [String]? {
      guard let value = members[key] else { return nil }
      guard case .array(let elements) = value else {
        throw fault(key, expected: "an array of strings", found: value)
      }
      return try elements.map { element throws(ConfigurationError) in
        guard case .string(let text) = element else {
          throw fault(key, expected: "an array of strings", found: element)
        }
        return text
      }
    }

    /// The elements of an array of tables; their places are counted from 1, as people do.
    func tables(_ key: String) throws(ConfigurationError) -> [Section] {
      guard let value = members[key] else { return [] }
      guard case .array(let elements) = value else {
        throw fault(key, expected: "an array of tables: [[\(key)]]", found: value)
      }
      var sections: [Section] = []
      for (index, element) in elements.enumerated() {
        guard case .table = element else { throw fault(key, expected: "an array of tables", found: element) }
        let name = "\(key)[\(index + 1)]"
        sections.append(Section(element, file: file, place: place.isEmpty ? name : "\(place).\(name)"))
      }
      return sections
    }
  }
}
