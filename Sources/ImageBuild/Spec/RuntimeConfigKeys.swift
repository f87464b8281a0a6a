import OrderedJSON

/// The members that the OCI image configuration and Docker know in `config`.
///
/// The manual passes anything through, so this only warns.
enum RuntimeConfigKeys {
  /// A line for each member that no runtime will read.
  static func warnings(of config: JSONObject) -> [String] {
    var checker = SpecChecker()
    checker.check(config, against: keys, at: "config")
    return checker.problems.map { "\($0); it goes into the image as it is" }
  }

  private static let texts = SpecShape.list(of: .text(.any))
  private static let variables = SpecText("a variable, NAME=VALUE", pattern: nil) { text in
    text.utf8.firstIndex(of: UInt8(ascii: "=")).map { $0 > text.startIndex } ?? false
  }
  /// Sets are written as objects with empty objects in them.
  private static let set = SpecShape.map(of: .record([]))

  private static let keys: [SpecKey] = [
    // image-spec, "Image Configuration".
    SpecKey("User", .text(.any), ""), SpecKey("ExposedPorts", set, ""),
    SpecKey("Env", .list(of: .text(variables)), ""), SpecKey("Entrypoint", texts, ""),
    SpecKey("Cmd", texts, ""), SpecKey("Volumes", set, ""), SpecKey("WorkingDir", .text(.any), ""),
    SpecKey("Labels", .map(of: .text(.any)), ""), SpecKey("StopSignal", .text(.any), ""),
    SpecKey("ArgsEscaped", .boolean, ""), SpecKey("Memory", .integer(0 ... .max), ""),
    SpecKey("MemorySwap", .integer(-1 ... .max), ""), SpecKey("CpuShares", .integer(0 ... .max), ""),
    // Docker's image specification 1.3 and what its engine has written.
    SpecKey("Healthcheck", .record(healthcheckKeys), ""), SpecKey("OnBuild", texts, ""),
    SpecKey("Shell", texts, ""), SpecKey("StopTimeout", .integer(0 ... .max), ""),
    SpecKey("Hostname", .text(.any), ""), SpecKey("Domainname", .text(.any), ""),
    SpecKey("AttachStdin", .boolean, ""), SpecKey("AttachStdout", .boolean, ""),
    SpecKey("AttachStderr", .boolean, ""), SpecKey("Tty", .boolean, ""), SpecKey("OpenStdin", .boolean, ""),
    SpecKey("StdinOnce", .boolean, ""), SpecKey("Image", .text(.any), ""),
    SpecKey("NetworkDisabled", .boolean, ""), SpecKey("MacAddress", .text(.any), ""),
  ]

  private static let healthcheckKeys: [SpecKey] = [
    SpecKey("Test", texts, ""), SpecKey("Interval", .integer(0 ... .max), ""),
    SpecKey("Timeout", .integer(0 ... .max), ""), SpecKey("StartPeriod", .integer(0 ... .max), ""),
    SpecKey("StartInterval", .integer(0 ... .max), ""), SpecKey("Retries", .integer(0 ... .max), ""),
  ]
}

extension BuildSpec {
  /// Warns of names that other programs have for what Go calls something else.
  var architectureWarnings: [String] {
    let goNames = [
      "x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv6l": "arm",
      "armv7l": "arm",
      "armhf": "arm", "i386": "386", "i686": "386", "x86": "386", "powerpc64le": "ppc64le",
    ]
    return goNames[architecture].map {
      ["“architecture” is “\(architecture)”, and runtimes look for Go's name, “\($0)”"]
    } ?? []
  }
}
