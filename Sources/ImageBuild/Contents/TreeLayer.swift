public import ArchiveIO
import SystemPackage

/// How GNU tar is told to pack a tree: `--sort=name --mtime=@315532800` and an owner.
public struct TreePacking: Sendable {
  /// 1980-01-01T00:00:00Z, the time of everything that stdenv packs (nix-dockertools.md, section 1.4).
  public static let time: Int64 = 315_532_800

  /// How the headers are written.
  let dialect: TarDialect
  /// Whose everything is, unless a script or a rule says otherwise.
  private(set) var owner: TarOwner
  private var users: [Int64: String] = [:]
  private var groups: [Int64: String] = [:]

  /// Numbers only, 0:0: a customisation layer (section 2.6).
  public static let customisation = TreePacking(
    dialect: .gnu(numericOwner: true), owner: TarOwner(uid: 0, gid: 0, userName: "", groupName: ""))

  /// With names, as far as Nix's sandbox has them: the layer of `buildImage` (section 5.3).
  public static func image(uid: Int64, gid: Int64) -> TreePacking {
    let users: [Int64: String] = [0: "root", 1000: "nixbld", 65534: "nobody"]
    let groups: [Int64: String] = [0: "root", 100: "nixbld", 65534: "nogroup"]
    var packing = TreePacking(
      dialect: .gnu(numericOwner: false), owner: TarOwner(uid: uid, gid: gid), users: users, groups: groups)
    packing.name(&packing.owner)
    return packing
  }

  /// With names as nixpkgs' machine for `runAsRoot` has them (section 6).
  public static let machine = TreePacking(
    dialect: .gnu(numericOwner: false), owner: TarOwner(userName: "root"), users: [0: "root"])

  /// Gives an owner its names.
  func name(_ owner: inout TarOwner) {
    owner.userName = users[owner.uid] ?? ""
    owner.groupName = groups[owner.gid] ?? ""
  }
}

/// The tar of a tree in memory, as `tar --sort=name` packs it.
public struct TreeLayer: TarRecipe {
  private let tree: FileTree
  private let packing: TreePacking
  private let rules: PermissionRules

  /// A layer of `tree`.
  public init(
    _ tree: FileTree, packing: TreePacking = .customisation, rules: PermissionRules = PermissionRules([])
  ) {
    self.tree = tree
    self.packing = packing
    self.rules = rules
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { packing.dialect }

  /// See `TarRecipe`.
  public func members() -> any TarMembers { Members(self) }

  private final class Members: TarMembers {
    /// What is to come, the next one last.
    private var stack: [(name: [UInt8], node: FileTree.Node)]
    private let layer: TreeLayer

    init(_ layer: TreeLayer) {
      stack = [(Array(".".utf8), .directory(layer.tree.root))]
      self.layer = layer
    }

    func next() throws -> TarInput? {
      guard let (name, node) = stack.popLast() else { return nil }
      switch node {
      case .directory(let directory):
        let name = name + [UInt8(ascii: "/")]
        for entry in directory.entries.sorted(by: { $1.key.lexicographicallyPrecedes($0.key) }) {
          stack.append((name + entry.key, entry.value))
        }
        return TarInput(header: header(name, .directory, mode: directory.mode))
      case .link(let target, _):
        return TarInput(header: header(name, .symbolicLink, mode: 0o777, target: target))
      case .file(let bytes, let mode):
        return TarInput(
          header: header(name, .regular, mode: mode, byteCount: Int64(bytes.count)),
          content: bytes.isEmpty ? .none : .bytes(bytes))
      case .copy(let file): return try input(name, file)
      }
    }

    private func input(_ name: [UInt8], _ file: StoredFile) throws -> TarInput {
      guard let type = file.status.type else { throw LayeredImageError.socket(file.path.string) }
      let byteCount = type == .regular ? file.status.byteCount : 0
      var header = header(name, type, mode: file.status.mode, byteCount: byteCount)
      header.device = file.status.device
      return TarInput(header: header, content: byteCount > 0 ? .file(try file.open()) : .none)
    }

    private func header(
      _ name: [UInt8], _ type: TarType, mode: UInt32, byteCount: Int64 = 0, target: [UInt8] = []
    ) -> TarHeader {
      var header = TarHeader(name: name, type: type, mode: mode, byteCount: byteCount, linkName: target)
      header.modificationTime = TreePacking.time
      header.owner = layer.packing.owner
      layer.rules.apply(to: &header)
      return header
    }
  }
}
