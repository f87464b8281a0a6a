import Hashing

/// Makes images at random: the same image for the same seed.
public enum ImageGenerator {
  /// An image of linux/amd64, perhaps under an index.
  ///
  /// Print the seed when a test with it fails. Most images can be pulled; a few have a fault for which any reader refuses them.
  public static func random(seed: UInt64) async throws -> StoredImage {
    var random = SeededGenerator(seed: seed)
    let format = random.pick(ImageSpec.Format.allCases)
    var spec = ImageSpec(format, layers: try await layers(format, &random))
    spec.config = config(&random)
    if random.once(in: 5) { spec.manifestEnd = random.pick(["\n", " ", "\r\n\t"]) }
    if random.once(in: 4) { spec.extraMembers = #""annotations":{"seed":"\#(seed)"},"# }
    guard random.once(in: 3) else { return spec.stored }
    return index(over: spec.stored, of: format, &random)
  }

  private static func layers(_ format: ImageSpec.Format, _ random: inout SeededGenerator) async throws
    -> [ImageSpec.Layer]
  {
    var layers: [ImageSpec.Layer] = []
    for _ in 0..<random.number(in: 0...6) {
      if let earlier = layers.first, random.once(in: 6) {
        layers.append(random.once(in: 2) ? earlier : random.pick(layers))
        continue
      }
      let stored = try await compressed(content(&random), &random)
      let type = random.pick([format.gzipType, format.gzipType, format.plainType, format.foreignType])
      layers.append(ImageSpec.Layer(stored, type: type))
    }
    return layers
  }

  private static func content(_ random: inout SeededGenerator) -> [UInt8] {
    switch random.number(in: 0...9) {
    case 0: return []
    case 1: return [UInt8](repeating: 0, count: 512 * random.number(in: 1...8))
    case 2:
      let count = random.number(in: 1...3000)
      return random.bytes(count)
    default:
      let files = (0..<random.number(in: 1...8)).map { index in
        (name: "dir/file-\(index)", content: fileContent(&random))
      }
      return LayerBytes.tar(files)
    }
  }

  private static func fileContent(_ random: inout SeededGenerator) -> [UInt8] {
    let count = random.number(in: 0...random.pick([10, 1000, 100_000]))
    if random.once(in: 2) { return random.bytes(count) }
    let word = random.bytes(random.number(in: 1...40))
    return (0..<count).map { word[$0 % word.count] }
  }

  private static func compressed(_ bytes: [UInt8], _ random: inout SeededGenerator) async throws -> [UInt8] {
    switch random.number(in: 0...11) {
    case 0: return bytes
    case 1: return try await LayerBytes.zstd(bytes, level: random.pick([1, 3, 12]))
    case 2: return try await LayerBytes.bzip2(bytes)
    case 3: return try await LayerBytes.xz(bytes)
    case 4, 5:
      let middle = random.number(in: 0...bytes.count)
      return try await LayerBytes.gzip(Array(bytes[..<middle])) + LayerBytes.gzip(Array(bytes[middle...]))
    case 6:
      let middle = random.number(in: 0...bytes.count)
      let head = try await LayerBytes.zstd(Array(bytes[..<middle]))
      return try await head + LayerBytes.skippableFrame(random.bytes(9))
        + LayerBytes.zstd(Array(bytes[middle...]))
    case 7:
      let whole = try await LayerBytes.gzip(bytes)
      return random.once(in: 3) ? Array(whole.dropLast(random.number(in: 1...whole.count))) : whole
    default: return try await LayerBytes.gzip(bytes, level: random.number(in: 1...9))
    }
  }

  private static func index(
    over image: StoredImage, of format: ImageSpec.Format, _ random: inout SeededGenerator
  ) -> StoredImage {
    var entries = [IndexSpec.Entry(image, "linux/amd64")]
    for platform in ["linux/arm64/v8", "linux/amd64/v2", "windows/amd64", "unknown/unknown", "linux/amd64"]
    where random.once(in: 2) {
      var other = ImageSpec(format, layers: [])
      other.config = config(&random)
      let position = random.number(in: 0...entries.count)
      entries.insert(IndexSpec.Entry(other.stored, platform), at: position)
    }
    return IndexSpec(random.pick(ImageSpec.Format.allCases), entries, of: format).stored
  }
}

extension ImageGenerator {
  /// A config with odd spellings of everything; once in thirty it is not JSON, or not an object.
  private static func config(_ random: inout SeededGenerator) -> [UInt8] {
    if random.once(in: 30) {
      return Array(random.pick(["", "[1]", "{", "null", "nul", "{} x", "{\"a\":1,}"]).utf8)
    }
    let names = [
      "architecture", "config", "container", "container_config", "created", "docker_version", "os", "rootfs",
      "history",
      "variant", "OS", "\\u006fs", "x<y", "",
    ]
    let members = (0..<random.number(in: 0...12)).map { _ in
      "\(space(&random))\"\(random.pick(names))\"\(space(&random)):\(value(&random, depth: 0))"
    }
    let text = "\(space(&random)){\(members.joined(separator: ","))\(space(&random))}\(space(&random))"
    return Array(text.utf8)
  }

  private static func value(_ random: inout SeededGenerator, depth: Int) -> String {
    let text: String
    switch random.number(in: 0...(depth < 4 ? 9 : 6)) {
    case 0: text = random.pick(["null", "true", "false"])
    case 1, 2:
      text = random.pick(["0", "-0", "1e3", "1E+2", "-1.50", "12345678901234567890123456789.10", "1e-999"])
    case 3...6: text = string(&random)
    case 7:
      let values = (0..<random.number(in: 0...4)).map { _ in value(&random, depth: depth + 1) }
      text = "[\(values.joined(separator: ","))\(space(&random))]"
    default:
      let members = (0..<random.number(in: 0...4)).map { _ in
        "\(space(&random))\(string(&random))\(space(&random)):\(value(&random, depth: depth + 1))"
      }
      text = "{\(members.joined(separator: ","))\(space(&random))}"
    }
    return space(&random) + text + space(&random)
  }

  private static func string(_ random: inout SeededGenerator) -> String {
    let pieces = [
      "a", "Z", " ", "<", ">", "&", "/", "\\/", "\\\"", "\\\\", "\\n", "\\u003c", "\\u003C", "\\u00e9",
      "\\ud800",
      "\\ud83d\\ude00", "é", "漢", "🍺", "\u{2028}", "\u{2029}", "\u{2027}", "\u{7f}", "\u{feff}", "{", "]",
      ",", ":", "'",
    ]
    return "\"" + (0..<random.number(in: 0...8)).map { _ in random.pick(pieces) }.joined() + "\""
  }

  private static func space(_ random: inout SeededGenerator) -> String {
    random.once(in: 4) ? random.pick([" ", "\n", "\t", "\r\n", "  \n  "]) : ""
  }
}
