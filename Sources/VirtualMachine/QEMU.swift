import ArchiveIO
import Glibc
import Subprocess
public import SystemPackage

/// The emulator that is installed here.
public struct QEMU: Sendable, Hashable {
  /// The program.
  public let path: FilePath
  /// Its version as it says it: `7.2.22`.
  public let version: String

  /// The emulator of that name and version.
  public init(path: FilePath, version: String) {
    self.path = path
    self.version = version
  }

  /// Finds the emulator in the directories of `searchPath`, which are separated by colons.
  ///
  /// - Throws: `MachineError.noQEMU`, `.unknownQEMU`.
  public static func find(in searchPath: String) async throws -> QEMU {
    let candidates = searchPath.split(separator: ":").filter { $0.hasPrefix("/") }
      .map { "\($0)/qemu-system-x86_64" }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else { throw MachineError.noQEMU }
    let result = try await Subprocess.run(
      .path(FilePath(path)), arguments: ["--version"], input: .none, output: .string(limit: 4096),
      error: .discarded)
    let output = result.standardOutput
    guard let version = version(in: output) else { throw MachineError.unknownQEMU(output: output) }
    return QEMU(path: FilePath(path), version: version)
  }

  /// The version in `QEMU emulator version 7.2.22 (Debian …)`.
  static func version(in output: String) -> String? {
    let words = output.split(whereSeparator: \.isWhitespace)
    guard let index = words.firstIndex(of: "version"), index + 1 < words.endIndex else { return nil }
    let version = words[index + 1].prefix { $0.isNumber || $0 == "." }
    return ReleaseVersion(parsing: version) == nil ? nil : String(version)
  }

  /// Whether it emulates a kernel without crashes that are its own fault.
  ///
  /// - Throws: `MachineError.oldQEMU`.
  func checkEmulation(of kernel: KernelFiles) throws {
    guard let own = ReleaseVersion(parsing: version), let other = kernel.version else { return }
    guard own.emulatesReliably(kernel: other) else {
      throw MachineError.oldQEMU(version: version, kernel: kernel.release)
    }
  }
}
