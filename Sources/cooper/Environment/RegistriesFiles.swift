import Registry

/// Where registries.conf is, and the directories of files that add to it (containers-registries.conf.d(5)).
struct RegistriesFiles: Sendable {
  /// The file itself; it need not exist unless a variable names it.
  let main: String
  /// Directories whose `*.conf` are read after it, in this order, the names sorted in each.
  let directories: [String]
  private let isExplicit: Bool

  /// `CONTAINERS_REGISTRIES_CONF`, else the user's own file, else the machine's.
  ///
  /// A file of the user's own also puts the machine's directory aside.
  init(_ environment: ProcessEnvironment) throws {
    let own = environment.home.map { "\($0)/.config/containers/registries.conf" }
    let ownDirectory = own.map { ["\($0).d"] } ?? []
    let system = "\(environment.systemDirectory)/containers/registries.conf"
    if let path = environment["CONTAINERS_REGISTRIES_CONF"] {
      (main, directories, isExplicit) = (path, ["\(system).d"] + ownDirectory, true)
    } else if let own, try UserFile.read(own) != nil {
      (main, directories, isExplicit) = (own, ownDirectory, false)
    } else {
      (main, directories, isExplicit) = (system, ["\(system).d"] + ownDirectory, false)
    }
  }

  /// Everything in them.
  ///
  /// - Throws: `ConfigurationError`, `UserFileError`.
  func read() throws -> RegistriesConfiguration {
    var result = RegistriesConfiguration()
    if let contents = try UserFile.read(main) {
      try result.merge(contents, file: main)
    } else if isExplicit {
      throw UserFileError.missing(path: main, option: "CONTAINERS_REGISTRIES_CONF")
    }
    for directory in directories {
      let names = try UserFile.names(inDirectory: directory) ?? []
      for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
      where name.hasSuffix(".conf") {
        guard let contents = try UserFile.read("\(directory)/\(name)") else { continue }
        try result.merge(contents, file: "\(directory)/\(name)")
      }
    }
    return result
  }
}
