import Testing

@testable import ImageBuild

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("maxlayers", "maxLayers"), ("maxLayer", "maxLayers"), ("conetnts", "contents"), ("naem", "name"),
    ("uip", "uid"), ("createdd", "created"), ("fakerootCommand", "fakeRootCommands"),
  ])
  func `a typing error finds the name that was meant`(typed: String, meant: String) {
    #expect(NearestName.find(typed, among: LayeredSpec.table.keys.map(\.name)) == meant)
  }

  @Test(arguments: ["", "x", "entrypoint", "copyToRoot", String(repeating: "a", count: 10_000)])
  func `what is like nothing finds nothing`(typed: String) {
    #expect(NearestName.find(typed, among: LayeredSpec.table.keys.map(\.name)) == nil)
  }
}
