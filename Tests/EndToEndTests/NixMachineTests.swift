import Foundation
import TestSupport
import Testing

/// Virtual machines in Nix's sandbox, of packages alone.
@Suite(.serialized) struct NixMachineTests {
  private static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test func `the store has the guest program, and exportImage unpacks in a machine to the same bytes`()
    async throws
  {
    let place = try await NixPlace(hasMachine: true)
    do {
      let guest = "\(place.store)\(place.cooper)/libexec/cooper/cooper-guest"
      #expect(try Self.bytes(guest) == Self.bytes(MachineParts.guest))
      #expect(access(guest, X_OK) == 0)
      let image = """
        dockerTools.buildLayeredImage {
          name = "image"; contents = [ hello ];
          fakeRootCommands = "mkdir -p opt; echo x > opt/file; chown 3000000000:7 opt/file; mknod opt/null c 1 3";
        }
        """
      let computed = try await place.build("dockerTools.exportImage { fromImage = \(image); }")
      let unpacked = try await place.build(
        "dockerTools.exportImage { fromImage = \(image); vm = true; diskSize = 128; }")
      #expect(computed != unpacked)
      #expect((try Self.bytes(computed) == Self.bytes(unpacked)) as Bool)
      let small = try await place.tryToBuild(
        "dockerTools.exportImage { fromImage = \(image); vm = true; diskSize = 15; }")
      #expect(small.status != 0 && small.errors.contains("16777216"), "\(small.errors)")
      let missing = try await place.tryToEvaluate(
        "((import \(place.directory.path)/tools { cooper = \"/x\"; }).exportImage { fromImage = hello; vm = true; }).drvPath"
      )
      #expect(missing.errors.contains("exportImage with “vm” needs the package "), "\(missing.errors)")
    } catch {
      await place.remove()
      throw error
    }
    await place.remove()
  }
}
