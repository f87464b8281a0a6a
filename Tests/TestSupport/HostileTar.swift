import Hashing

/// Archives of images, sound and damaged: which damage follows from the seed.
public struct HostileTar: Sendable {
  /// The forms of an archive that are damaged.
  public enum Form: String, Sendable, CaseIterable {
    /// What docker and podman save.
    case dockerArchive
    /// An OCI layout in a tar.
    case ociArchive
    /// Both in one, as from Docker 25 on.
    case both
  }

  /// What was done, for messages.
  public private(set) var story: [String] = []
  /// The damaged archive.
  public private(set) var bytes: [UInt8] = []
  private var random: SeededGenerator
  private var members: [TarBytes.Member]

  /// The archive of `form` with one to three kinds of damage.
  public init(_ form: Form, seed: UInt64) {
    random = SeededGenerator(seed: seed)
    members = []
    members = sound(form)
    let count = random.number(in: 1...3)
    var late: [(inout HostileTar) -> Void] = []
    for _ in 0..<count {
      switch random.number(in: 0...11) {
      case 0: late.append { $0.flipBits() }
      case 1: late.append { $0.truncate() }
      case 2: shuffle()
      case 3: duplicate()
      case 4: rename()
      case 5: retype()
      case 6: resize()
      case 7: addExtendedHeader()
      case 8, 9: damageDocument()
      case 10: remove()
      default: replaceContent()
      }
    }
    bytes = TarBytes.archive(members)
    for damage in late { damage(&self) }
  }

  /// The sound archive.
  public static func sound(_ form: Form) -> [UInt8] {
    var tar = HostileTar(form, seed: 0)
    return TarBytes.archive(tar.sound(form))
  }

  // MARK: Sound

  private mutating func sound(_ form: Form) -> [TarBytes.Member] {
    let layers = [LayerBytes.tar("etc/a", "a"), LayerBytes.tar("etc/b", "b")]
    let config = replaced(
      #"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["\#(Digest(of: layers[0]))","\#(Digest(of: layers[1]))"]}}"#,
      within: form)
    let list = layers.map { descriptor($0, "application/vnd.oci.image.layer.v1.tar") }.joined(separator: ",")
    let manifest = replaced(
      #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":\#(descriptor(config, "application/vnd.oci.image.config.v1+json")),"layers":[\#(list)]}"#,
      within: form)
    let entry = descriptor(manifest, "application/vnd.oci.image.manifest.v1+json")
    let blobs = (layers + [config, manifest]).map { TarBytes.Member(Self.blobName($0), $0) }
    let layout = [
      TarBytes.Member("oci-layout", text: #"{"imageLayoutVersion":"1.0.0"}"#),
      TarBytes.Member("index.json", text: #"{"schemaVersion":2,"manifests":[\#(entry)]}"#),
    ]
    let names = layers.map { "\"\(Self.blobName($0))\"" }.joined(separator: ",")
    let saved = TarBytes.Member(
      "manifest.json",
      text: #"[{"Config":"\#(Self.blobName(config))","RepoTags":["sample:1"],"Layers":[\#(names)]}]"#)
    switch form {
    case .dockerArchive: return blobs.dropLast() + [saved]
    case .ociArchive: return blobs + layout
    case .both: return blobs + layout + [saved]
    }
  }

  private static func blobName(_ bytes: [UInt8]) -> String { "blobs/sha256/\(Digest(of: bytes).hex)" }

  private func descriptor(_ bytes: [UInt8], _ type: String) -> String {
    #"{"mediaType":"\#(type)","digest":"\#(Digest(of: bytes))","size":\#(bytes.count)}"#
  }

  /// A document of the image, sometimes with damage that its digest covers.
  private mutating func replaced(_ text: String, within form: Form) -> [UInt8] {
    random.once(in: 8) ? damaged(Array(text.utf8)) : Array(text.utf8)
  }

  // MARK: Damage

  private mutating func note(_ text: String) { story.append(text) }

  private mutating func index() -> Int { random.number(in: 0...members.count - 1) }

  private mutating func flipBits() {
    guard !bytes.isEmpty else { return }
    for _ in 0..<random.number(in: 1...8) {
      let place = random.number(in: 0...bytes.count - 1)
      bytes[place] ^= UInt8(1 << random.number(in: 0...7))
      note("flip at \(place)")
    }
  }

  private mutating func truncate() {
    let length = random.number(in: 0...bytes.count)
    bytes.removeLast(bytes.count - length)
    note("cut to \(length)")
  }

  private mutating func shuffle() {
    members.shuffle(using: &random)
    note("shuffle")
  }

  private mutating func remove() {
    members.remove(at: index())
    if members.isEmpty { members = [TarBytes.Member("x")] }
    note("remove")
  }

  private mutating func duplicate() {
    var copy = members[index()]
    if random.once(in: 2), !copy.content.isEmpty { copy.content[copy.content.count / 2] ^= 1 }
    if random.once(in: 3) { (copy.type, copy.link) = ("2", "../../etc/passwd") }
    members.insert(copy, at: random.number(in: 0...members.count))
    note("duplicate \(String(decoding: copy.name, as: UTF8.self))")
  }

  private mutating func rename() {
    let index = index()
    let prefix = random.pick(["../", "/", "./", "a/../", "//", "../../../../tmp/", ".\u{1b}[2J/", "\u{0}"])
    members[index].name = Array(prefix.utf8) + members[index].name
    note("prefix \(prefix.debugDescription)")
  }

  private mutating func retype() {
    let index = index()
    members[index].type = random.pick([
      "1", "2", "3", "4", "5", "6", "7", "S", "L", "K", "x", "g", "D", "\u{0}", "?",
    ])
    let other = String(decoding: members[self.index()].name, as: UTF8.self)
    members[index].link = random.pick([
      other, "../../\(other)", "/etc/passwd", "..", "", ".", "../../../../../../etc/passwd",
    ])
    note("type \(members[index].type) to \(members[index].link)")
  }

  private mutating func resize() {
    let index = index()
    let binary = [UInt8](repeating: 0xff, count: 12)
    members[index].sizeField = random.pick([
      Array("77777777777\u{0}".utf8), binary, [0x80] + binary.dropFirst(),
      [0x80, 0, 0, 0, 0x7f] + binary.dropFirst(5),
      Array("            ".utf8), Array("-1\u{0}".utf8), Array("00000000000 ".utf8),
      Array("9999999\u{0}".utf8),
      [UInt8](repeating: 0, count: 12),
    ])
    note("size of member \(index)")
  }

  private mutating func addExtendedHeader() {
    let records = [
      (
        "size",
        random.pick([
          "99999999999999999999", "-1", "0", "9223372036854775807", "x", "1e3", "18446744073709551616",
        ])
      ),
      (
        "path",
        random.pick([
          "../../x", "manifest.json", "index.json", "", "a\u{0}b", String(repeating: "a/", count: 5000),
        ])
      ),
      ("linkpath", "/etc/passwd"), ("GNU.sparse.major", "1"), ("GNU.sparse.size", "99999999999"),
      ("GNU.sparse.map", "0,1,2"), ("GNU.sparse.realsize", "9223372036854775807"), ("hdrcharset", "BINARY"),
    ]
    var header = TarBytes.pax(
      (0..<random.number(in: 1...3)).map { _ in random.pick(records) }, type: random.pick(["x", "g"]))
    switch random.number(in: 0...5) {
    case 0: header.content = Array("99999999999999999999 path=x\n".utf8)
    case 1: header.content = Array("-5 path=x\n".utf8)
    case 2: header.content = random.bytes(40)
    default: break
    }
    members.insert(header, at: random.number(in: 0...members.count))
    note("extended header \(String(decoding: header.content.prefix(60), as: UTF8.self))")
  }

  private mutating func replaceContent() {
    let index = index()
    members[index].content = random.pick([
      [], random.bytes(random.number(in: 1...2000)), members[self.index()].content,
    ])
    note("content of member \(index)")
  }

  /// Damages a document whose digest nobody vouches for, or one that then has another digest than its name says.
  private mutating func damageDocument() {
    let documents = members.indices.filter {
      members[$0].content.first == 0x7b || members[$0].content.first == 0x5b
    }
    guard !documents.isEmpty else { return }
    let index = random.pick(documents)
    members[index].content = damaged(members[index].content)
    note("document \(String(decoding: members[index].name, as: UTF8.self))")
  }

  private mutating func damaged(_ document: [UInt8]) -> [UInt8] {
    var text = String(decoding: document, as: UTF8.self)
    let deep = String(repeating: "[", count: 20_000)
    switch random.number(in: 0...8) {
    case 0: return Array((deep + String(repeating: "]", count: 20_000)).utf8)
    case 1: return Array(repeating: #"{"a":"#, count: 5000).flatMap(\.utf8)
    case 2:
      text = text.replacing(
        "\"size\":",
        with: "\"size\":"
          + random.pick([
            "-", "1e99,\"x\":", "9223372036854775807,\"x\":", "0,\"x\":", "\"1\",\"x\":",
            "99999999999999999999,\"x\":",
          ]))
    case 3:
      text = text.replacing(
        "sha256:", with: random.pick(["sha256:00", "sha1:", "sha512:", "../", "", "SHA256:"]))
    case 4:
      text = text.replacing(
        "blobs/sha256/",
        with: random.pick(["../blobs/sha256/", "/", "blobs/../", "manifest.json/", "\\u0000"]))
    case 5: text = text.replacing("[", with: random.pick(["[null,", "[[],", "{", "[\"x\",", "[]]"]))
    case 6:
      text = text.replacing(",", with: random.pick([",,", ",\"config\":null,", ",\"layers\":[],", ";"]))
    case 7: text = text.replacing("manifest.v1", with: random.pick(["index.v1", "manifest.v9", "config.v1"]))
    default:
      var bytes = document
      for _ in 0..<3 where !bytes.isEmpty {
        bytes[random.number(in: 0...bytes.count - 1)] = UInt8(random.number(in: 0...255))
      }
      return bytes
    }
    return Array(text.utf8)
  }
}
