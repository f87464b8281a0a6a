import ArchiveIO
import Glibc
import ImageArchive
import NIOCore
import NIOHTTP1
import OCIModel
import SystemPackage

/// The answer to one request on its way.
struct Exchange: Sendable {
  let channel: any Channel
  let version: HTTPVersion
  let isHead: Bool
  let keepsAlive: Bool

  /// Pieces of what cannot be sent as a file.
  private static let pieceSize = 256 << 10

  /// Sends everything; a blob that turns out to be bad after the head was sent ends the connection.
  func send(_ answer: Answer) async {
    do {
      switch answer.body {
      case .bytes(let bytes): send(bytes, of: answer)
      case .blob(let blob, let range):
        let opened = await open(blob)
        if case .failed(let other) = opened { return await send(other) }
        try await send(opened, range, of: answer)
      }
      try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
      if !keepsAlive { try await channel.close() }
    } catch {
      try? await channel.close()
    }
  }

  private func send(_ bytes: [UInt8], of answer: Answer) {
    head(of: answer)
    guard !isHead, !bytes.isEmpty else { return }
    channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
  }

  private func head(of answer: Answer) {
    var head = HTTPResponseHead(version: version, status: .init(statusCode: answer.status))
    head.headers.add(name: "Docker-Distribution-Api-Version", value: "registry/2.0")
    for field in answer.fields { head.headers.add(name: field.name, value: field.value) }
    head.headers.add(name: "Content-Length", value: "\(answer.body.byteCount)")
    if !keepsAlive { head.headers.add(name: "Connection", value: "close") }
    // Not waited for: it is sent with what follows.
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
  }

  // MARK: Blobs

  private enum Opened {
    /// A descriptor of our own, and where the blob begins in the file.
    case file(CInt, offset: Int64)
    case content(any BlobContent)
    case failed(Answer)
  }

  private func open(_ blob: ServedImages.Blob) async -> Opened {
    do {
      let content = try await blob.source.blob(blob.descriptor, subject: "blob \(blob.descriptor.digest)")
      return try await Thread.run {
        guard let stored = try (content as? StoredBlob)?.storedRange() else { return .content(content) }
        // Opened again: the kernel sends nothing from a file that is open for direct I/O.
        let path = "/proc/self/fd/\(stored.file.fileDescriptor.rawValue)"
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .content(content) }
        return .file(descriptor, offset: stored.offset)
      }
    } catch {
      return .failed(Self.answer(for: error))
    }
  }

  private func send(_ opened: Opened, _ range: Range<Int64>, of answer: Answer) async throws {
    head(of: answer)
    let isEmpty = isHead || range.isEmpty
    switch opened {
    case .file(let descriptor, let offset):
      let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
      defer { try? handle.close() }
      if isEmpty { return }
      let start = Int(offset + range.lowerBound)
      let region = FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + range.count)
      try await channel.writeAndFlush(HTTPServerResponsePart.body(.fileRegion(region))).get()
    case .content(let content) where !isEmpty: try await Thread.run { try stream(content, range) }
    case .content, .failed: break
    }
  }

  private static func answer(for error: any Error) -> Answer {
    if case .missing = (error as? ImageArchiveError)?.problem {
      return .error(404, "BLOB_UNKNOWN", "there is no blob of that digest")
    }
    return .error(500, "UNKNOWN", "\(error)")
  }

  /// Sends what must be decompressed first; blocks.
  private func stream(_ content: any BlobContent, _ range: Range<Int64>) throws {
    let source = try content.open()
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    var position: Int64 = 0
    while position < range.upperBound {
      let count = Int64(try piece.withUnsafeMutableBytes { try source.read(into: $0) })
      guard count > 0 else { throw ChannelError.eof }
      let wanted = range.clamped(to: position..<position + count)
      if !wanted.isEmpty {
        let start = Int(wanted.lowerBound - position)
        let buffer = ByteBuffer(bytes: piece[start..<start + wanted.count])
        // Waiting keeps memory small when the receiver is slow.
        try channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer))).wait()
      }
      position += count
    }
  }
}
