import Glibc
public import SystemPackage

/// Reads an open descriptor in order: a pipe, standard input, a file.
///
/// The descriptor stays its owner's.
public final class DescriptorSource: ByteSource {
  private let descriptor: FileDescriptor
  private let name: String

  /// Reads from `descriptor`, which messages call `name`.
  public init(_ descriptor: FileDescriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// See `ByteSource`.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Glibc.read(descriptor.rawValue, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno == EAGAIN {
        // Whoever shares the pipe or terminal with this process may have made it non-blocking.
        var waiting = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        poll(&waiting, 1, -1)
      } else if errno != EINTR {
        throw FileError("read", name, Errno(rawValue: errno))
      }
    }
  }
}
