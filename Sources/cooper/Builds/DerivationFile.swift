import ArchiveIO
import NixStore
import SystemPackage

/// A `.drv` file of this machine.
struct DerivationFile {
  let derivation: Derivation

  /// Derivations that carry whole files in their variables have some megabytes.
  private static let byteLimit = 64 << 20

  /// Reads one.
  init(_ path: FilePath, storeDirectory: String) throws {
    let bytes = try FileRange(whole: DirectFile(reading: path)).readAll(limit: Self.byteLimit)
    do {
      derivation = try Derivation(parsing: bytes, storeDirectory: storeDirectory)
    } catch {
      throw UnusableDerivation(file: path.string, reason: error)
    }
  }
}

/// A file is no derivation that can be used.
struct UnusableDerivation: Error, CustomStringConvertible {
  var file: String
  var reason: any Error & CustomStringConvertible
  var description: String { "\(file): \(reason)" }
}
