import OrderedJSON
import Testing

@Suite struct JSONErrorTests {
  @Test(arguments: [
    "\u{1b}[2J", "[\u{1b}]", "{\"a\": \u{9b}31m}", "{\"a\u{7f}\":1,\"a\u{7f}\":2}", "[\"a\u{202e}\n\"]",
  ])
  func `a message never repeats control characters of the document`(text: String) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    let description = error?.description ?? ""
    #expect(!description.isEmpty)
    #expect(
      description.unicodeScalars.allSatisfy {
        $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
      }, "\(description.debugDescription)")
  }
}
