public import OrderedJSON

/// What a container of an image runs, and how (image-spec, "Image Configuration", `config`).
///
/// A member of an unexpected kind counts as missing.
public struct RuntimeConfig: Sendable {
  private let document: RawJSON?

  init(_ document: RawJSON?) { self.document = document }

  /// A member of any name, such as `Healthcheck`.
  public subscript(_ name: String) -> JSONValue? { document?.value(name) }

  /// User and group, by name or number.
  public var user: String? { text("User") }

  /// Where the process starts.
  public var workingDirectory: String? { text("WorkingDir") }

  /// The signal that ends the container.
  public var stopSignal: String? { text("StopSignal") }

  /// The variables, as `NAME=VALUE`.
  public var environment: [String] { texts("Env") }

  /// The program, and its first arguments.
  public var entrypoint: [String] { texts("Entrypoint") }

  /// The arguments after `entrypoint`, or the program when there is none.
  public var command: [String] { texts("Cmd") }

  /// Ports to open, as `80/tcp`, in the order of the document.
  public var exposedPorts: [String] { self["ExposedPorts"]?.object?.names ?? [] }

  /// Directories to keep outside of the container, in the order of the document.
  public var volumes: [String] { self["Volumes"]?.object?.names ?? [] }

  /// Labels in the order of the document.
  public var labels: Annotations {
    var labels = Annotations()
    for member in self["Labels"]?.object?.members ?? [] {
      if let text = member.value.string { labels[member.name] = text }
    }
    return labels
  }

  private func text(_ name: String) -> String? { self[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }

  private func texts(_ name: String) -> [String] { (self[name]?.array ?? []).compactMap(\.string) }
}
