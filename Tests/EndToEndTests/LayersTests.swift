import OrderedJSON
import TestSupport
import Testing

/// `layers` on images in a registry, a layout and an archive.
@Suite struct LayersTests {
  static let testdata =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image"

  @Test func `layers have their sizes wherever the image is, and are known again when compressed`()
    async throws
  {
    try Program.require("skopeo", package: "skopeo")
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let source = "oci:\(Self.testdata):1.35"
    let archive = place.directory.appending("a.tar")
    for arguments in [
      ["push", source, "\(registry.address)/x:1", "--all"],
      ["copy", source, "docker-archive:\(archive):a:1", "--arch", "amd64"],
    ] {
      let result = try await place.cooper(arguments)
      #expect(result.status == 0, "\(result.errors)")
    }
    let raw = try await Program.check("skopeo", ["--override-arch", "amd64", "inspect", source])
    let expected = try JSONValue(parsing: raw.output)["Layers"]?.array?.compactMap(\.string)
    for location in [source, "\(registry.address)/x:1"] {
      let result = try await place.cooper(["layers", location, archive, "--arch", "amd64", "--json"])
      #expect(result.status == 0, "\(result.errors)")
      let json = try JSONValue(parsing: result.output)
      let layers = json["images"]?.array?.first?["layers"]?.array ?? []
      #expect(layers.compactMap { $0["digest"]?.string } == expected)
      #expect(json["shared"]?["layers"]?.int == 2 && json["onlyInSecond"]?["layers"]?.int == 0)
      let sum = layers.reduce(0) { $0 + ($1["size"]?.int ?? 0) }
      #expect(json["shared"]?["size"]?.int == sum)
    }
    let text = try await place.cooper(["layers", "\(registry.address)/x:1"])
    #expect(text.status == 0 && text.text.split(separator: "\n").count == 3)
    let missing = try await place.cooper(["layers", "\(registry.address)/x:2"])
    #expect(missing.status == 4)
  }
}
