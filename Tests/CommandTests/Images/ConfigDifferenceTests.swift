import OCIModel
import OrderedJSON
import Testing

@testable import cooper

@Suite struct ConfigDifferenceTests {
  private static func lines(_ first: String, _ second: String) throws -> [String] {
    try ConfigDifference(from: ImageConfig(Array(first.utf8)), to: ImageConfig(Array(second.utf8)))
      .changes.map(\.line)
  }

  @Test func `every part that containers notice is compared, lists of names by name`() throws {
    let first = """
      {"os":"linux","architecture":"amd64","created":"2020-01-01T00:00:00Z","config":{
        "Env":["PATH=/bin","A=1","GONE=","SAME=x=y"],"Cmd":["sh"],"User":"","Labels":{"l":"1","same":"2"},
        "ExposedPorts":{"80/tcp":{}},"Volumes":null,"WorkingDir":"/"}}
      """
    let second = """
      {"os":"linux","architecture":"arm64","variant":"v8","config":{
        "Env":["SAME=x=y","PATH=/usr/bin","A=1"],"Entrypoint":["/init","a b"],"Labels":{"same":"2","l":"\\u001b]0;x"},
        "ExposedPorts":{"443/tcp":{}},"Volumes":{"/data":{}},"WorkingDir":"/","User":"nobody"}}
      """
    #expect(
      try Self.lines(first, second) == [
        #"config architecture: "amd64" -> "arm64""#, #"config variant: none -> "v8""#,
        #"config Env GONE: "" -> none"#, #"config Env PATH: "/bin" -> "/usr/bin""#,
        #"config Labels l: "1" -> "\u001b]0;x""#, "config ExposedPorts 443/tcp: none -> true",
        "config ExposedPorts 80/tcp: true -> none", "config Volumes /data: none -> true",
        #"config Entrypoint: none -> ["/init","a b"]"#, #"config Cmd: ["sh"] -> none"#,
        #"config User: none -> "nobody""#,
      ])
  }

  @Test func `absent, null and empty are the same`() throws {
    #expect(
      try Self.lines(#"{"config":{"Cmd":null,"User":"","Env":[]}}"#, #"{"os":"","config":{"Labels":{}}}"#)
        == [])
  }
}
