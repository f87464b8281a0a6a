public import OCIModel
import OrderedJSON

/// Changes of what images say of themselves; layers stay.
///
/// Members that nothing is said of keep their bytes and places.
public struct ConfigEdits: ImageTransform {
  /// Variables.
  public var environment = NamedEdits()
  /// Labels.
  public var labels = NamedEdits()
  /// Annotations of the manifests, and of the index above them.
  public var annotations = NamedEdits()
  /// The program and its first arguments; empty takes it away.
  ///
  /// As in Docker and crane, the arguments that belonged to the old program go with it, unless `command` is given.
  public var entrypoint: [String]?
  /// The arguments, or the program where there is no entrypoint; empty takes them away.
  public var command: [String]?
  /// User and group; empty takes them away.
  public var user: String?
  /// Where the process starts; empty takes it away.
  public var workingDirectory: String?
  /// The signal that ends a container; empty takes it away.
  public var stopSignal: String?
  /// Ports to add, as `80/tcp`.
  public var ports: [String] = []
  /// Directories to add that containers keep outside.
  public var volumes: [String] = []
  /// When the image was made (RFC 3339).
  public var created: String?
  /// What the image is for; the entry of an index follows.
  public var platform: Platform?

  /// No change.
  public init() {}

  /// See `ImageTransform`.
  public func check(imageCount: Int) throws {
    if let platform, imageCount > 1 { throw TransformError.samePlatform(platform, images: imageCount) }
  }

  /// See `ImageTransform`.
  public func apply(to index: inout ImageIndex) throws {
    guard !annotations.isEmpty else { return }
    guard index.kind == .oci else { throw TransformError.annotationsInDocker(image: "the manifest list") }
    index.annotations = annotations.applied(to: index.annotations)
  }

  /// See `ImageTransform`.
  public func apply(to image: inout ImageDraft) throws {
    if !annotations.isEmpty {
      guard image.manifest.kind == .oci else { throw TransformError.annotationsInDocker(image: image.name) }
      image.manifest.annotations = annotations.applied(to: image.manifest.annotations)
    }
    image.config = try edited(image.config)
    if let platform {
      image.config = try set(platform, in: image.config)
      // Entries of images for this or that platform need not name it, but those that do must not lie.
      if image.identity.isInIndex { image.entryPlatform = platform }
    }
  }

  private func edited(_ config: ImageConfig) throws -> ImageConfig {
    var config = config
    let runtime = config.runtime
    if !environment.isEmpty {
      let variables = environment.applied(toVariables: runtime.environment)
      try config.set("Env", to: variables.isEmpty ? nil : .strings(variables))
    }
    if !labels.isEmpty {
      let labels = labels.applied(to: runtime.labels)
      try config.set("Labels", to: labels.isEmpty ? nil : labels.json)
    }
    if let entrypoint {
      try config.set("Entrypoint", to: entrypoint.isEmpty ? nil : .strings(entrypoint))
      if command == nil { try config.set("Cmd", to: nil) }
    }
    if let command { try config.set("Cmd", to: command.isEmpty ? nil : .strings(command)) }
    let texts = [("User", user), ("WorkingDir", workingDirectory), ("StopSignal", stopSignal)]
    for case (let name, let text?) in texts { try config.set(name, to: text.isEmpty ? nil : .string(text)) }
    for (name, added) in [("ExposedPorts", ports), ("Volumes", volumes)] where !added.isEmpty {
      var members = runtime[name]?.object ?? [:]
      for item in added { members.append(item, [:]) }
      try config.set(name, to: .object(members))
    }
    if let created { config = try config.setting("created", to: .string(created)) }
    return config
  }

  private func set(_ platform: Platform, in config: ImageConfig) throws -> ImageConfig {
    let changed = try config.setting("architecture", to: .string(platform.architecture))
      .setting("os", to: .string(platform.os))
    guard let variant = platform.variant else { return try changed.removing("variant") }
    return try changed.setting("variant", to: .string(variant))
  }
}

extension ImageConfig {
  /// Sets a member of `config`, or takes it away.
  fileprivate mutating func set(_ name: String, to value: JSONValue?) throws {
    self = if let value { try settingRuntime(name, to: value) } else { try removingRuntime(name) }
  }
}

extension JSONValue {
  fileprivate static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
