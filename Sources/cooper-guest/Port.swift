import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// The ports that lead to the host.
enum Port {
  private static let directory = "/sys/class/virtio-ports"
  /// In tenths of a second: ports appear some time after their driver.
  private static let patience = 100

  /// Opens the port of that name.
  static func open(_ name: String) throws -> FileDescriptor {
    for _ in 0..<patience {
      for port in (try? OpenDirectory(FilePath(directory)).names()) ?? [] {
        let node = String(decoding: port, as: UTF8.self)
        guard Attribute.read("\(directory)/\(node)/name") == name else { continue }
        // Without O_CREAT: there are only nodes that the kernel has made.
        if let file = try? FileDescriptor.open(FilePath("/dev/\(node)"), .readWrite, options: .closeOnExec) {
          return file
        }
      }
      usleep(100_000)
    }
    throw GuestFailure(because: "there is no port \(name)")
  }
}

/// Small files of the kernel.
enum Attribute {
  /// The text without the end of its line; nil when there is none.
  static func read(_ path: String) -> String? {
    guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else {
      return nil
    }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 4096)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
    return String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self)
  }
}

/// The port on which the host says what is to be done, and is told what happens.
final class Control {
  private let port: FileDescriptor

  init() throws { port = try Port.open(PortName.control) }

  /// What the host says, for which it may need time.
  func job() throws -> GuestJob {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try piece.withUnsafeMutableBytes { try port.read(into: $0) }
      guard count > 0 else { throw GuestFailure(because: "the host says nothing") }
      bytes += piece[..<count]
      var rest = bytes[...]
      if let job = try GuestJob.take(from: &rest) { return job }
    }
  }

  /// Tells the host.
  func send(_ record: GuestRecord) {
    do { try port.writeAll(record.encoded) } catch { Console.say("cannot tell the host: \(error)") }
  }

  /// Waits until the host has everything: what is on its way when the machine is switched off would be lost.
  func waitForHost() {
    var byte: UInt8 = 0
    _ = withUnsafeMutableBytes(of: &byte) { try? port.read(into: $0) }
  }
}
