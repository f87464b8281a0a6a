import CGuest
import Glibc

/// Modules of the kernel.
enum Modules {
  /// Loads these files in their order; one that is there already is no mistake.
  static func load(_ paths: [[UInt8]]) throws {
    for path in paths {
      let name = String(decoding: path, as: UTF8.self)
      let file = open(name, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { throw GuestFailure("cannot open \(name)") }
      defer { close(file) }
      let result = guest_load_module(file)
      guard result == 0 || result == EEXIST else {
        errno = result
        throw GuestFailure("cannot load \(name)")
      }
    }
  }
}
