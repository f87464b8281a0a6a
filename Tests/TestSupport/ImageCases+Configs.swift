import Hashing

extension ImageCases {
  /// What configs hold.
  ///
  /// Each is the config of an image of two layers, so that the top layer's JSON repeats it.
  static let configs: [ImageCase] = [
    config(
      "markup in the config", "< > & are escaped in lower case", #"{"os":"<&>","config":{"a<b":"c&d>e"}}"#),
    config(
      "line separators", "U+2028 and U+2029 are escaped",
      "{\"os\":\"a\u{2028}b\u{2029}c\",\"config\":[\"\u{2027}\u{202a}\"]}"),
    config(
      "escapes", "escapes of the source are kept as they are written",
      #"{"os":"\u00e9\/\u003C\u003e\u2028\b\f\n\r\t\"\\","config":"\u0041"}"#),
    config(
      "lone surrogates", "kept, though they mean nothing",
      #"{"os":"\ud800","config":["\udc00\ud83d","\ud83d\ude00"]}"#),
    config(
      "odd numbers", "numbers keep their spelling",
      #"{"os":1e3,"config":[-0,0.10,1E+400,-1.5e-7,123456789012345678901234567890,0e0],"created":-0.0}"#),
    config("no such numbers", "a leading zero is not JSON", #"{"os":01}"#, .bothRefuse),
    config(
      "duplicate members", "of duplicated top-level names the last counts",
      #"{"os":"first","architecture":"a","os":"last","config":{"x":1,"x":2},"config":{"y":1,"y":2}}"#),
    config(
      "escaped names", "names are compared after unescaping",
      #"{"\u006fs":"linux","arch\u0069tecture":"amd64"}"#),
    config("names in capitals", "another name", #"{"OS":"x","Architecture":"y","os":"z"}"#),
    config("an empty object", "all seven members are null", "{}"),
    config("null", "taken as an empty object", "null"),
    config("an array", "not an object", "[]", .bothRefuse),
    config("a string", "not an object", #""text""#, .bothRefuse),
    config("nothing at all", "no JSON", "", .bothRefuse),
    config("cut short", "no JSON", #"{"os":"linux""#, .bothRefuse),
    config("two documents", "no JSON", "{} {}", .bothRefuse),
    config("a comma too many", "no JSON", #"{"os":"linux",}"#, .bothRefuse),
    config("a control character", "must be escaped in JSON", "{\"os\":\"a\u{1}b\"}", .bothRefuse),
    config("a byte order mark", "no JSON", "\u{feff}{}", .bothRefuse),
    config(
      "white space", "dropped from the copied values, kept in the config's own member",
      " {\r\n\t\"os\" : \"li nux\" ,\n \"config\":\t{ \"Cmd\" : [ \"a b\" , 1 ] , \"E\" : { } , \"F\":[ ] } }\n\n"
    ),
    config("a newline at the end", "kept in the config's own member", "{\"os\":\"linux\"}\n"),
    config(
      "all seven members", "copied in the order of their names, with one more that is not",
      #"{"os":"linux","docker_version":"20.10","created":"2020-01-01T00:00:00Z","container_config":{"z":1,"a":[]},"#
        + #""container":"c","config":{"Labels":null},"architecture":"amd64","variant":"v8","history":[{"x":1}]}"#
    ),
    config(
      "text beyond ASCII", "kept as it is",
      #"{"os":"Ünïcödé 漢字 🍺","config":{"ключ":"значение"},"container":"\#u{7f}"}"#),
    ImageCase("invalid UTF-8", "passes through") { _ in
      try await withConfig(
        Array(#"{"os":""#.utf8) + [0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80] + Array(#""}"#.utf8))
    },
    ImageCase("deep nesting", "a thousand levels are no reason to refuse") { _ in
      let (opening, closing) = (String(repeating: "[", count: 1000), String(repeating: "]", count: 1000))
      return try await withConfig(Array(#"{"config":\#(opening)1\#(closing)}"#.utf8))
    },
    ImageCase("nesting too deep", "more than ten thousand levels are refused", .bothRefuse) { _ in
      let (opening, closing) = (String(repeating: "[", count: 10_001), String(repeating: "]", count: 10_001))
      return try await withConfig(Array(#"{"config":\#(opening)1\#(closing)}"#.utf8))
    },
    ImageCase("no JSON and no layers", "the config is not looked into when there is no layer") { _ in
      ImageSpec(.oci, layers: [], config: Array("not JSON".utf8)).stored
    },
    ImageCase("a config of 4 MiB", "the limit") { _ in try await withConfig(padded(to: 4 << 20)) },
    ImageCase("a config of 4 MiB and a byte", "beyond the limit", .bothRefuse) { _ in
      try await withConfig(padded(to: 4 << 20 + 1))
    },
    ImageCase("a wrong config size", "must be the length", .bothRefuse) { _ in
      var spec = ImageSpec(.oci, layers: [.init(first)])
      spec.configSize = spec.config.count + 1
      return spec.stored
    },
    ImageCase("an unknown config size", "−1 stands for unknown", .cooperMayRefuse) { _ in
      var spec = ImageSpec(.oci, layers: [.init(first)])
      spec.configSize = -1
      return spec.stored
    },
    ImageCase("an odd config type in Docker", "not looked at") { _ in
      var spec = ImageSpec(.docker, layers: [.init(first)])
      spec.configType = "application/octet-stream"
      return spec.stored
    },
    ImageCase("an odd config type in OCI", "not an image", .bothRefuse) { _ in
      var spec = ImageSpec(.oci, layers: [.init(first)])
      spec.configType = "application/vnd.oci.empty.v1+json"
      return spec.stored
    },
    ImageCase("diff IDs of other layers", "never compared with the data") { _ in
      let config =
        #"{"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:\#(Digest(of: second).hex)"]}}"#
      return try await withConfig(Array(config.utf8))
    },
  ]

  private static func config(
    _ name: String, _ reason: String, _ text: String, _ expectation: ImageCase.Expectation = .identical
  ) -> ImageCase {
    ImageCase("config: \(name)", reason, expectation) { _ in try await withConfig(Array(text.utf8)) }
  }

  private static func withConfig(_ config: [UInt8]) async throws -> StoredImage {
    let layers = try await [ImageSpec.Layer(LayerBytes.gzip(first)), .init(LayerBytes.gzip(second))]
    return ImageSpec(.oci, layers: layers, config: config).stored
  }

  /// A config of exactly so many bytes, with characters that grow when they are escaped.
  private static func padded(to count: Int) -> [UInt8] {
    let (head, tail) = (#"{"os":"linux","config":{"Labels":{"pad":""#, #""}}}"#)
    let padding = [UInt8](repeating: UInt8(ascii: "&"), count: count - head.utf8.count - tail.utf8.count)
    return Array(head.utf8) + padding + Array(tail.utf8)
  }
}
