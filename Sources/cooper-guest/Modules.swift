import CGuest
import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// Modules of the kernel.
enum Modules {
  /// Loads those of the initial RAM disk in their order; one that is there already is no mistake.
  static func load() throws {
    let directory = try OpenDirectory(FilePath("/\(RamdiskPath.modules)"))
    let numbers = try directory.names().compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    for number in numbers.sorted() {
      let name = "/\(RamdiskPath.modules)/\(number)"
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
