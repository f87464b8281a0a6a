import Testing

@testable import OrderedJSON

@Suite struct JSONObjectTests {
  @Test func `setting keeps the place, adding goes to the end, nil removes`() {
    var object: JSONObject = ["a": 1, "b": 2, "c": 3]
    object["b"] = "new"
    object["d"] = 4
    #expect(object == ["a": 1, "b": "new", "c": 3, "d": 4])
    object["a"] = nil
    object["x"] = nil
    #expect(object.names == ["b", "c", "d"])
    object["a"] = 5
    #expect(object.names == ["b", "c", "d", "a"])
    #expect(object.count == 4)
    #expect(!object.isEmpty)
  }

  @Test func `a name is appended once`() {
    var object = JSONObject()
    let first = object.append("a", 1)
    let second = object.append("a", 2)
    #expect(first)
    #expect(!second)
    #expect(object == ["a": 1])
    object.append(contentsOf: ["b": 2, "a": 3, "c": 4])
    #expect(object == ["a": 1, "b": 2, "c": 4])
  }

  /// Objects with more than 16 members find them in another way; both must agree at the border.
  @Test(arguments: [1, 15, 16, 17, 18, 40])
  func `changes mean the same for few and many members`(count: Int) {
    var object = JSONObject()
    for number in 0..<count { object["n\(number)"] = .integer(number) }
    for number in 0..<count { #expect(object["n\(number)"] == .integer(number)) }
    object["n0"] = nil
    #expect(object["n0"] == nil)
    #expect(object.count == count - 1)
    for number in 1..<count { #expect(object["n\(number)"] == .integer(number)) }
    object["n0"] = "again"
    #expect(object.members.last?.name == "n0")
    #expect(object["n0"] == "again")
    let accepted = object.append("n0", 1)
    #expect(!accepted)
    #expect(object.count == count)
  }

  @Test(arguments: [0, 30])
  func `names are told apart by their bytes`(others: Int) {
    var object = JSONObject()
    for number in 0..<others { object["n\(number)"] = .null }
    object["\u{E9}"] = 1
    object["e\u{301}"] = 2
    #expect(object["\u{E9}"] == 1)
    #expect(object["e\u{301}"] == 2)
    #expect(object.count == others + 2)
  }

  @Test func `equality looks at names, values and order`() {
    let object: JSONObject = ["a": 1, "b": 2]
    #expect(object != ["b": 2, "a": 1])
    #expect(object != ["a": 1])
    #expect(object != ["a": 1, "b": 3])
    #expect(["\u{E9}": 1] as JSONObject != ["e\u{301}": 1])
    #expect(Set([object, ["a": 1, "b": 2]]).count == 1)
  }

  @Test func `sorting is by bytes`() {
    let object: JSONObject = ["b": 1, "é": 2, "Z": 3, "a.b": 4, "a": 5, "ab": 6, "": 7]
    #expect(object.sorted().names == ["", "Z", "a", "a.b", "ab", "b", "é"])
    #expect(object.sorted()["Z"] == 3)
  }
}
