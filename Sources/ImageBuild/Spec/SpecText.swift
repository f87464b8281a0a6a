/// What a string in a spec has to look like.
struct SpecText: Sendable {
  /// Why a string will not do.
  struct Refusal: Error {
    /// What should be there instead.
    var expected: String
    /// What was probably meant.
    var suggestion: String?
  }

  /// What is expected, for a message: `a string`.
  let expectation: String
  /// The whole string as a regular expression without anchors, in what ECMA-262 and Python's `re` have in common.
  let pattern: String?
  /// Refuses what cannot be.
  let check: @Sendable (String) throws(Refusal) -> Void

  /// A string that `isValid` decides about; the pattern says the same to readers of the schema.
  init(_ expectation: String, pattern: String?, _ isValid: @escaping @Sendable (String) -> Bool) {
    self.init(expectation, pattern: pattern) { (text) throws(Refusal) in
      if !isValid(text) { throw Refusal(expected: expectation) }
    }
  }

  /// A string that is taken apart by `check`.
  init(
    _ expectation: String, pattern: String?, check: @escaping @Sendable (String) throws(Refusal) -> Void
  ) {
    self.expectation = expectation
    self.pattern = pattern
    self.check = check
  }

  /// Anything but a NUL, which neither file names nor arguments nor tar fields can hold.
  static let any = SpecText("a string without NUL", pattern: #"[^\u0000]*"#) { !$0.utf8.contains(0) }

  /// The same with at least one character.
  static func nonEmpty(_ expectation: String) -> SpecText {
    SpecText(expectation, pattern: #"[^\u0000]+"#) { !$0.isEmpty && !$0.utf8.contains(0) }
  }

  /// A path that begins with a slash, and is more than that.
  static func absolutePath(_ expectation: String) -> SpecText {
    SpecText(expectation, pattern: #"/[^\u0000]+"#) {
      $0.hasPrefix("/") && $0.utf8.count > 1 && !$0.utf8.contains(0)
    }
  }
}
