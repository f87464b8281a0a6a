import ArchiveIO
import Glibc
import Synchronization
import SystemPackage

/// What a script prints: shown as it comes on standard error, since standard output may be the image, and the last of it kept for a message.
final class ShownOutput: Sendable {
  /// How many lines are repeated when a script fails, and how many bytes of them.
  private static let lineCount = 20
  private static let byteCount = 8192

  private let last = Mutex<[UInt8]>([])

  /// Shows what has come.
  func show(_ bytes: some Collection<UInt8>) {
    // Nobody has to listen.
    _ = try? FileDescriptor.standardError.writeAll(bytes)
    last.withLock { last in
      last += bytes
      if last.count > 2 * Self.byteCount { last.removeFirst(last.count - Self.byteCount) }
    }
  }

  /// The last lines, without what a terminal could take for a command.
  var lastLines: [String] {
    let text = String(decoding: last.withLock { $0.suffix(Self.byteCount) }, as: UTF8.self)
    return text.split(separator: "\n").suffix(Self.lineCount).map(\.printable)
  }
}

/// A pipe for what a script prints.
final class ScriptOutput: Sendable {
  private let reading: FileDescriptor
  private let writing: Mutex<FileDescriptor?>
  /// What a script is to write to.
  let descriptor: Int32
  /// What has come.
  let shown = ShownOutput()

  init() throws {
    let (reading, writing) = try FileDescriptor.pipe(options: .closeOnExec)
    self.reading = reading
    descriptor = writing.rawValue
    self.writing = Mutex(writing)
  }

  deinit {
    try? reading.close()
    end()
  }

  /// Passes on what comes, until the script has ended and nothing more is there: something that it has left may hold the pipe for ever.
  func pass() async throws {
    try await Thread.run { [self] in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        var poll = pollfd(fd: reading.rawValue, events: Int16(POLLIN), revents: 0)
        let isOver = writing.withLock { $0 == nil }
        let ready = Glibc.poll(&poll, 1, isOver ? 0 : 20)
        if ready == 0, isOver { return }
        guard ready > 0 else { continue }
        let count = try buffer.withUnsafeMutableBytes { try reading.read(into: $0) }
        if count == 0 { return }
        shown.show(buffer[..<count])
      }
    }
  }

  /// The script has ended.
  func end() {
    writing.withLock {
      try? $0?.close()
      $0 = nil
    }
  }
}
