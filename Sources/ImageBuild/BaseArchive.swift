import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import SystemPackage

/// The base image of a layered image, as nixpkgs' stream script takes it: the first image of a docker-archive, whose layer members are
/// copied as they are (nix-dockertools.md, section 2.9).
struct BaseArchive {
  private static let memberLimit = 100_000

  /// The layers, from the base upwards.
  let parts: [LayeredImage.Part]
  private let environment: [String]

  init(_ path: FilePath, files: PlainFile) throws {
    let archive = BaseMembers(file: try files.open(path), members: [:])
    var members: [[UInt8]: TarMember] = [:]
    let reader = TarReader(try FileRange(whole: archive.file).open(windowSize: 16 << 10))
    while let member = try reader.next() {
      // Of members of one name Python takes the last.
      members[member.name] = member
      if members.count > Self.memberLimit {
        throw LayeredImageError.base(path: path.string, problem: "too many members")
      }
    }
    let found = BaseMembers(file: archive.file, members: members)
    let list = try JSONValue(parsing: found.content("manifest.json"))
    guard let first = list.array?.first, let configName = first["Config"]?.string,
      let names = first["Layers"]?.array?.map(\.string), names.allSatisfy({ $0 != nil })
    else {
      throw LayeredImageError.base(
        path: path.string, problem: "manifest.json does not list an image with Config and Layers")
    }
    let config = try JSONValue(parsing: found.content(configName))
    let diffIDs = (config["rootfs"]?["diff_ids"]?.array ?? []).map(\.string)
    guard diffIDs.count == names.count else {
      throw LayeredImageError.base(
        path: path.string, problem: "it has \(names.count) layers and \(diffIDs.count) diff IDs")
    }
    environment = config["config"]?["Env"]?.array?.compactMap(\.string) ?? []
    parts = try zip(names, diffIDs).enumerated().map { index, layer in
      let name = layer.0 ?? ""
      let member = try found.member(name)
      return LayeredImage.Part(
        message: "Adding base layer \(index + 1) from \(name)",
        comment: "store paths: \(PythonList.description(of: [name]))", header: TarHeader(copying: member),
        recipe: member.isFile ? try FileLayer(found.range(of: member)) : nil,
        promised: try Digest(parsing: layer.1 ?? ""))
    }
  }

  /// `config` with the base's variables before its own; of a repeated name the first place and the last value count.
  func inherit(by config: JSONValue) throws -> JSONValue {
    var result = config.object ?? JSONObject()
    let merged = Self.merge(environment, result["Env"]?.array?.compactMap(\.string) ?? [])
    if !merged.isEmpty { result["Env"] = .array(merged.map { .string($0) }) }
    return .object(result)
  }

  /// Variables joined by name: each keeps its first place and its last value.
  static func merge(_ base: [String], _ own: [String]) -> [String] {
    var merged: [String] = []
    var places: [Substring: Int] = [:]
    for variable in base + own {
      let key = variable.prefix { $0 != "=" }
      if let place = places[key] {
        merged[place] = variable
      } else {
        places[key] = merged.count
        merged.append(variable)
      }
    }
    return merged
  }
}

/// The members of a base image's archive.
private struct BaseMembers {
  let file: DirectFile
  let members: [[UInt8]: TarMember]

  func member(_ name: String) throws -> TarMember {
    guard let member = members[Array(name.utf8)] else {
      throw LayeredImageError.base(path: file.path, problem: "no member is called “\(name)”")
    }
    return member
  }

  func range(of member: TarMember) -> FileRange {
    FileRange(file, offset: member.contentOffset, byteCount: member.byteCount)
  }

  func content(_ name: String) throws -> [UInt8] { try range(of: member(name)).readAll(limit: 8 << 20) }
}

extension TarHeader {
  /// The header of a member that was read, to be written again.
  init(copying member: TarMember) {
    self.init(
      name: member.name, type: TarType(rawValue: member.type) ?? .regular, mode: member.mode,
      byteCount: member.byteCount, linkName: member.linkName)
    owner = TarOwner(
      uid: member.userID, gid: member.groupID, userName: String(decoding: member.userName, as: UTF8.self),
      groupName: String(decoding: member.groupName, as: UTF8.self))
    modificationTime = member.modificationTime
  }
}
