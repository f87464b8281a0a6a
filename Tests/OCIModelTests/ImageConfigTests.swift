import Hashing
import OrderedJSON
import Testing

@testable import OCIModel

private let zeros = "sha256:" + String(repeating: "0", count: 64)
private let ones = "sha256:" + String(repeating: "1", count: 64)

private func config(_ text: String) throws(DocumentError) -> ImageConfig { try ImageConfig(Array(text.utf8)) }

private let whole = """
  {"created":"2024-01-02T03:04:05Z","author":"me","architecture":"arm64","os":"linux","variant":"v8",
   "config":{"User":"1000:100","Env":["PATH=/bin","A=b=c"],"Entrypoint":["/init"],"Cmd":["-x","y"],
    "WorkingDir":"/w","ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{}},
    "Labels":{"z":"1","a":"2"},"StopSignal":"SIGINT","Healthcheck":{"Test":["NONE"]},"Memory":99999999999999999999},
   "rootfs":{"type":"layers","diff_ids":["\(zeros)","\(ones)"]},
   "history":[{"created":"2024-01-01T00:00:00Z","created_by":"ADD x","comment":"c","author":"a"},
    {"created_by":"ENV","empty_layer":true},{}], "x.y": 1.10 }

  """

@Suite struct ImageConfigTests {
  @Test func `everything an image says is found`() throws {
    let config = try config(whole)
    #expect(config.os == "linux")
    #expect(config.architecture == "arm64")
    #expect(config.variant == "v8")
    #expect(config.platform == Platform(os: "linux", architecture: "arm64", variant: "v8"))
    #expect(config.created == "2024-01-02T03:04:05Z")
    #expect(config.author == "me")
    #expect(config.diffIDs.map(\.description) == [zeros, ones])
    #expect(config["x.y"] == .number("1.1"))
    let runtime = config.runtime
    #expect(runtime.user == "1000:100")
    #expect(runtime.environment == ["PATH=/bin", "A=b=c"])
    #expect(runtime.entrypoint == ["/init"])
    #expect(runtime.command == ["-x", "y"])
    #expect(runtime.workingDirectory == "/w")
    #expect(runtime.exposedPorts == ["80/tcp", "53/udp"])
    #expect(runtime.volumes == ["/data"])
    #expect(runtime.labels == ["z": "1", "a": "2"])
    #expect(runtime.stopSignal == "SIGINT")
    #expect(runtime["Healthcheck"]?["Test"] == ["NONE"])
  }

  @Test func `history tells which steps made layers`() throws {
    let history = try config(whole).history
    #expect(history.map(\.isEmptyLayer) == [false, true, false])
    #expect(history.map(\.createdBy) == ["ADD x", "ENV", nil])
    #expect(history[0].created == "2024-01-01T00:00:00Z")
    #expect(history[0].comment == "c")
    #expect(history[0].author == "a")
  }

  @Test func `an empty config says nothing`() throws {
    let config = try config(" {} ")
    #expect(config.os.isEmpty)
    #expect(config.architecture.isEmpty)
    #expect(config.variant == nil)
    #expect(config.created == nil)
    #expect(config.diffIDs.isEmpty)
    #expect(config.history.isEmpty)
    #expect(config.runtime.user == nil)
    #expect(config.runtime.environment.isEmpty)
    #expect(config.runtime.exposedPorts.isEmpty)
    #expect(config.runtime.labels.isEmpty)
  }

  @Test(arguments: [
    (#"{"os":"a","os":"linux"}"#, "the last of repeated members counts, as for Go"),
    (#"{"\u006fs":"linux"}"#, "names may be escaped"), (#"{"OS":"a","os":"linux"}"#, "case counts"),
    (#"{"os":"linux","big":1e999,"bad":"\ud800"}"#, "what cannot be represented harms only itself"),
    (#"{"os":"linux","config":[],"history":{},"rootfs":7,"created":5}"#, "other kinds count as missing"),
    (#"{"os":"linux","config":{"Env":"x","Cmd":[1,2],"Labels":{"a":1},"User":{}}}"#, "the same inside"),
    (#"{"os":"linux","config":null,"history":null,"rootfs":{"diff_ids":null}}"#, "null counts as missing"),
    (
      "{\"os\":\"linux\",\"deep\":\(String(repeating: "[", count: 500))\(String(repeating: "]", count: 500))}",
      "depth"
    ),
  ])
  func `odd configs that Go reads can be looked at`(text: String, reason: String) throws {
    let config = try config(text)
    #expect(config.os == "linux", "\(reason)")
    #expect(config.diffIDs.isEmpty)
    #expect(config.history.isEmpty)
    #expect(config.created == nil)
    #expect(config.runtime.environment.isEmpty)
    #expect(config.runtime.command.isEmpty)
    #expect(config.runtime.labels.isEmpty)
    #expect(config.runtime.user == nil)
  }

  @Test func `a member beside an unreadable one is still read`() throws {
    #expect(try config(whole).runtime["Memory"] == nil)
    let odd = try config(#"{"config":{"User":"me","User":"you","Memory":99999999999999999999}}"#)
    #expect(odd.runtime.user == "you")
    #expect(odd["config"] == nil)
  }

  @Test(arguments: ["", "null", "[]", "\"\"", "1", "{", "{}x", "{\"a\":01}"])
  func `what is not an object is refused`(text: String) {
    #expect(throws: DocumentError.self) { try config(text) }
  }

  @Test func `diff IDs must be a list of digests`() {
    #expect(
      throws: DocumentError.invalid(field: "rootfs.diff_ids[1]", found: "sha256:0", expected: "a digest")
    ) {
      try config(#"{"rootfs":{"diff_ids":["\#(zeros)","sha256:0"]}}"#)
    }
    #expect(
      throws: DocumentError.invalid(field: "rootfs.diff_ids[0]", found: "a number", expected: "a digest")
    ) {
      try config(#"{"rootfs":{"diff_ids":[1]}}"#)
    }
    #expect(throws: DocumentError.wrongKind(field: "rootfs.diff_ids", expected: "a list", found: "a string"))
    {
      try config(#"{"rootfs":{"diff_ids":"\#(zeros)"}}"#)
    }
  }

  @Test func `4 MiB are read and no more`() throws {
    let bytes = Array("{}".utf8) + [UInt8](repeating: 0x20, count: 4 << 20 - 2)
    #expect(throws: Never.self) { try ImageConfig(bytes) }
    #expect(throws: DocumentError.tooLarge(byteCount: 4_194_305, limit: 4_194_304)) {
      try ImageConfig(bytes + [0x20])
    }
  }

  @Test func `the digest is over the bytes`() throws {
    let encoded = try ImageConfig.decode(Array(whole.utf8))
    #expect(encoded.bytes == Array(whole.utf8))
    #expect(encoded.digest == Digest(of: whole.utf8))
    #expect(encoded.value.document.bytes == encoded.bytes)
  }
}

@Suite struct ImageConfigChangeTests {
  private func text(_ config: ImageConfig) -> String {
    String(decoding: config.document.bytes, as: UTF8.self)
  }

  @Test func `a change leaves every other byte alone`() throws {
    let changed = try config(whole).setting("author", to: "you").settingRuntime("User", to: "0")
    let expected = whole.replacing("\"author\":\"me\"", with: "\"author\":\"you\"").replacing(
      "1000:100", with: "0")
    #expect(text(changed) == expected)
    #expect(changed.runtime.user == "0")
    #expect(changed.author == "you")
  }

  @Test func `what is missing is added at the end`() throws {
    let changed = try config(#"{"os":"linux"}"#).settingRuntime("Cmd", to: ["sh"]).setting(
      "variant", to: "v8")
    #expect(text(changed) == #"{"os":"linux","config":{"Cmd":["sh"]},"variant":"v8"}"#)
    #expect(changed.runtime.command == ["sh"])
  }

  @Test func `a config that is null is replaced`() throws {
    let changed = try config(#"{"config":null}"#).settingRuntime("User", to: "me")
    #expect(text(changed) == #"{"config":{"User":"me"}}"#)
  }

  @Test func `new diff IDs are read again`() throws {
    let config = try config(whole)
    let changed = try config.setting("rootfs", to: ["type": "layers", "diff_ids": [.string(ones)]])
    #expect(changed.diffIDs.map(\.description) == [ones])
    #expect(throws: DocumentError.self) { try config.setting("rootfs", to: ["diff_ids": ["x"]]) }
  }
}
