import Glibc
public import SystemPackage

/// The program that works in the virtual machine.
public enum GuestProgram {
  /// Its name.
  public static let name = "cooper-guest"

  /// Finds it: the one that is `named`, and no other then; otherwise beside the program `program`, or in `../libexec/cooper` from there.
  ///
  /// - Throws: `MachineError.noGuest`.
  public static func find(named: FilePath?, beside program: FilePath) throws -> FilePath {
    let directory = program.removingLastComponent()
    let places =
      named.map { [$0] } ?? [
        directory.appending(name),
        directory.removingLastComponent().appending("libexec").appending("cooper").appending(name),
      ]
    guard let found = places.first(where: { access($0.string, R_OK) == 0 }) else {
      throw MachineError.noGuest(searched: places.map(\.string))
    }
    return found
  }
}
