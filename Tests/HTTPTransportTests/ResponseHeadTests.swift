import Testing

@testable import HTTPTransport

@Suite struct ResponseHeadTests {
  private func assembled(_ lines: [String]) -> HTTPResponse? {
    var head = ResponseHead()
    for line in lines {
      var line = line
      let step = line.withUTF8 { head.add(UnsafeRawBufferPointer($0)) }
      if case .complete(let response) = step { return response }
    }
    return nil
  }

  @Test func `fields keep their order and spelling`() throws {
    let response = try #require(
      assembled(["HTTP/1.1 200 OK\r\n", "B: 1\r\n", "a:  2 \t\r\n", "b: 3\r\n", "C:\r\n", "\r\n"]))
    #expect(response.status == 200)
    #expect(response.headers.fields.map(\.name) == ["B", "a", "b", "C"])
    #expect(response.headers.all("B") == ["1", "3"])
    #expect(response.headers.first("A") == "2")
    #expect(response.headers.first("c") == "")
  }

  @Test func `interim heads are dropped`() throws {
    let lines = ["HTTP/1.1 103 Early\r\n", "Link: x\r\n", "\r\n", "HTTP/2 404 \r\n", "a: 1\r\n", "\r\n"]
    let response = try #require(assembled(lines))
    #expect(response.status == 404)
    #expect(response.headers.fields.map(\.name) == ["a"])
  }

  @Test func `a folded line continues the field before it`() throws {
    let response = try #require(assembled(["HTTP/1.1 200 OK\n", "a: 1\n", "  2\n", "\n"]))
    #expect(response.headers.first("a") == "1 2")
  }

  @Test func `lines without end are refused`() {
    var head = ResponseHead()
    let line = [UInt8](repeating: 0x61, count: 100_000)
    let steps = (0..<3).map { _ in line.withUnsafeBytes { head.add($0) } }
    guard case .tooLarge = steps[2], case .more = steps[1] else {
      Issue.record("the third line should be too much: \(steps)")
      return
    }
  }
}
