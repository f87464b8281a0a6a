/// Text by name, in the order of the document (image-spec, "Annotations").
public struct Annotations: Hashable, Sendable {
  /// One annotation.
  public struct Entry: Hashable, Sendable {
    /// The name, in reverse domain notation.
    public let name: String
    /// The text.
    public let value: String
  }

  /// All annotations in order, each name once.
  public private(set) var entries: [Entry] = []

  /// No annotations.
  public init() {}

  /// Whether there are none.
  public var isEmpty: Bool { entries.isEmpty }

  /// The names in order.
  public var names: [String] { entries.map(\.name) }

  /// The text of a name.
  ///
  /// Setting keeps the place, or adds at the end; nil removes.
  public subscript(_ name: String) -> String? {
    get { position(of: name).map { entries[$0].value } }
    set {
      switch (position(of: name), newValue) {
      case (let position?, let value?): entries[position] = Entry(name: name, value: value)
      case (nil, let value?): entries.append(Entry(name: name, value: value))
      case (let position?, nil): entries.remove(at: position)
      case (nil, nil): break
      }
    }
  }

  /// Adds an annotation whose name is known to be new.
  mutating func append(_ name: String, _ value: String) { entries.append(Entry(name: name, value: value)) }

  /// By bytes, as `JSONObject` does.
  private func position(of name: String) -> Int? {
    entries.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
  }
}

extension Annotations: ExpressibleByDictionaryLiteral {
  /// The annotations in order; of repeated names the last text counts.
  public init(dictionaryLiteral entries: (String, String)...) {
    for (name, value) in entries { self[name] = value }
  }
}
