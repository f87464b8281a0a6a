public import ArchiveIO
import SystemPackage

/// The tar of a tree in memory, as `tar --sort=name --numeric-owner` packs it for a customisation layer (nix-dockertools.md, section 2.6).
public struct TreeLayer: LayerRecipe {
  /// 1980-01-01T00:00:00Z, the time of everything that stdenv packs (section 1.4).
  public static let packingTime: Int64 = 315_532_800
  static let dialect = TarDialect.gnu(numericOwner: true)

  private let tree: FileTree
  private let rules: PermissionRules

  /// A layer of `tree`, owned by 0:0 where no rule says otherwise.
  public init(_ tree: FileTree, rules: PermissionRules = PermissionRules([])) {
    self.tree = tree
    self.rules = rules
  }

  /// See `LayerRecipe`.
  public func open() throws -> any ByteSource { TarStream(members(), Self.dialect) }

  /// See `LayerRecipe`.
  public func byteCount() throws -> Int64 { try members().byteCount(Self.dialect) }

  private func members() -> some TarMembers { Members(tree, rules) }

  private final class Members: TarMembers {
    /// What is to come, the next one last.
    private var stack: [(name: [UInt8], node: FileTree.Node)]
    private let rules: PermissionRules

    init(_ tree: FileTree, _ rules: PermissionRules) {
      stack = [(Array(".".utf8), .directory(tree.root))]
      self.rules = rules
    }

    func next() throws -> TarInput? {
      guard let (name, node) = stack.popLast() else { return nil }
      switch node {
      case .directory(let directory):
        for entry in directory.entries.sorted(by: { $1.key.lexicographicallyPrecedes($0.key) }) {
          stack.append((name + [UInt8(ascii: "/")] + entry.key, entry.value))
        }
        return input(name + [UInt8(ascii: "/")], .directory, mode: directory.mode)
      case .link(let target, _): return input(name, .symbolicLink, mode: 0o777, target: target)
      case .file(let bytes, let mode): return input(name, .regular, mode: mode, content: bytes)
      }
    }

    private func input(
      _ name: [UInt8], _ type: TarType, mode: UInt32, target: [UInt8] = [], content: [UInt8] = []
    ) -> TarInput {
      var header = TarHeader(
        name: name, type: type, mode: mode, byteCount: Int64(content.count), linkName: target)
      header.modificationTime = TreeLayer.packingTime
      rules.apply(to: &header)
      return TarInput(header: header, content: content.isEmpty ? .none : .bytes(content))
    }
  }
}
