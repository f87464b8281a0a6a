import Foundation

/// A new, empty directory, removed with all its content by `remove()` or when the value is released.
///
/// Write `defer { directory.remove() }` after making one: the optimiser may release an object after its last use, which would be
/// in the middle of a test that only works with a path taken from it.
public final class TemporaryDirectory: Sendable {
  /// The absolute path, without a slash at the end.
  public let path: String

  /// Makes a directory under `parent`; without one, under `TMPDIR` or `/tmp`.
  public init(in parent: String? = nil) throws {
    let parent = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    var template = Array("\(parent)/cooper-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestSupportError.system("mkdtemp in \(parent)", errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { remove() }

  /// Removes the directory.
  ///
  /// A second call does nothing.
  public func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of `name` inside; nothing is created.
  public func appending(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, with the directories above it, and returns its path.
  @discardableResult
  public func write(_ bytes: some Collection<UInt8>, to name: String) throws -> String {
    let file = appending(name)
    let parent = (file as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Writes a text file, with the directories above it, and returns its path.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  /// Writes an executable file, with the directories above it, and returns its path.
  ///
  /// Another process writes it: a program that this one has open for writing, or a child just forked from it on
  /// another thread, cannot be started ("Text file busy").
  @discardableResult
  public func writeProgram(_ text: String, to name: String) async throws -> String {
    let script = "mkdir -p \"${1%/*}\" && cat > \"$1\" && chmod 755 \"$1\""
    let file = appending(name)
    try await Program.check("/bin/sh", ["-c", script, "sh", file], input: Array(text.utf8))
    return file
  }

  /// The bytes of the file `name`.
  public func read(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: appending(name))))
  }

  /// The names of what is directly inside, sorted.
  public func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  /// Whether something of that name is inside.
  public func contains(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: appending(name))
  }
}
