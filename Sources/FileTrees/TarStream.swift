/// One member of a tar that is to be written.
public struct TarInput {
  /// The header, whose size is that of the content.
  public var header: TarHeader
  /// The content.
  public var content: Content

  /// Where content comes from.
  public enum Content {
    case none
    case bytes([UInt8])
    case file(OpenFile)
    case source(any ByteSource)
  }

  /// A member.
  public init(header: TarHeader, content: Content = .none) {
    self.header = header
    self.content = content
  }
}

/// Members in order.
public protocol TarMembers: AnyObject {
  /// The next member, or nil after the last.
  func next() throws -> TarInput?
}

/// The bytes of a tar, made while they are read: nothing is kept but the current member.
public final class TarStream: ByteSource {
  private let members: any TarMembers
  private let dialect: TarDialect
  /// Headers, padding and small content that go out before `content`.
  private var pending: [UInt8] = []
  private var pendingStart = 0
  /// The content of the current member, as far as it is not in `pending`.
  private var content = TarInput.Content.none
  private var rest: Int64 = 0
  private var padding = 0
  /// The number of bytes of the members so far.
  private var byteCount: Int64 = 0
  private var hasEnded = false

  /// A tar of `members` in `dialect`, with its end.
  public init(_ members: any TarMembers, _ dialect: TarDialect) {
    self.members = members
    self.dialect = dialect
  }

  /// See `ByteSource`.
  ///
  /// - Throws: `FileChanged` when a file has become shorter than it was when it was found; `FileError`; what the members throw.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < buffer.count {
      let space = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      if pendingStart < pending.count {
        filled += copyPending(into: space)
      } else if rest > 0 {
        filled += try readContent(into: space)
      } else if hasEnded {
        break
      } else {
        try advance()
      }
    }
    return filled
  }

  private func copyPending(into space: UnsafeMutableRawBufferPointer) -> Int {
    let end = min(pending.count, pendingStart + space.count)
    pending.withUnsafeBytes {
      space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[pendingStart..<end]))
    }
    defer { pendingStart = end }
    return end - pendingStart
  }

  private func readContent(into space: UnsafeMutableRawBufferPointer) throws -> Int {
    let part = UnsafeMutableRawBufferPointer(rebasing: space[..<Int(min(rest, Int64(space.count)))])
    let count: Int
    switch content {
    case .none, .bytes: preconditionFailure("a member without a source has no content to come")
    case .file(let file):
      count = try file.read(into: part)
      if count == 0 { throw FileChanged(path: file.path) }
    case .source(let source):
      count = try source.read(into: part)
      if count == 0 { throw FileChanged(path: "what a tar member is made of") }
    }
    rest -= Int64(count)
    if rest == 0 {
      content = .none
      startPending()
      pending.append(contentsOf: repeatElement(0, count: padding))
    }
    return count
  }

  private func startPending() {
    pending.removeAll(keepingCapacity: true)
    pendingStart = 0
  }

  private func advance() throws {
    startPending()
    guard let input = try members.next() else {
      hasEnded = true
      pending = dialect.end(after: byteCount)
      return
    }
    input.header.append(to: &pending, dialect)
    padding = TarHeader.padding(after: input.header.byteCount)
    byteCount += Int64(pending.count) + input.header.byteCount + Int64(padding)
    if case .bytes(let bytes) = input.content {
      pending += bytes
      pending.append(contentsOf: repeatElement(0, count: padding))
    } else {
      content = input.content
      rest = input.header.byteCount
    }
  }
}

/// A file that has another length than its status said when it was found.
public struct FileChanged: Error, Hashable, CustomStringConvertible {
  /// The file.
  public let path: String

  /// That file.
  public init(path: String) { self.path = path }

  /// One line for people.
  public var description: String {
    "\(path) became shorter while it was read; nothing may change it meanwhile"
  }
}

extension TarMembers {
  /// The number of bytes of a tar of these members in `dialect`, its end included; no content is read.
  public func byteCount(_ dialect: TarDialect) throws -> Int64 {
    var total: Int64 = 0
    var header: [UInt8] = []
    while let input = try next() {
      header.removeAll(keepingCapacity: true)
      input.header.append(to: &header, dialect)
      let size = input.header.byteCount
      total += Int64(header.count) + size + Int64(TarHeader.padding(after: size))
    }
    return total + Int64(dialect.end(after: total).count)
  }
}
