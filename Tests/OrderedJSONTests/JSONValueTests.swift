import Testing

@testable import OrderedJSON

@Suite struct JSONValueTests {
  @Test func `members keep their order`() throws {
    let text = #"{"z":1,"a":{"y":[true,false,null],"b":"é"},"m":-5}"#
    #expect(String(decoding: try JSONValue(parsing: text.utf8).serialized(), as: UTF8.self) == text)
  }
}
