import ArchiveIO
import ImageArchive

/// Something in the root of a docker-archive as nixpkgs packs it (nix-dockertools.md, section 5.5, step 11).
struct RepositoryEntry: Sendable {
  /// Its name.
  var name: String
  /// What it is.
  var content: Content

  /// What an entry is.
  enum Content: Sendable {
    case file([UInt8])
    /// A layer's directory.
    case layer([File])
  }

  /// Something in a layer's directory.
  enum File: Sendable {
    case document(String, [UInt8])
    case layer(any LayerRecipe, LayerFacts)
    case link(to: String)
  }

  private static let dialect = TarDialect.gnu(numericOwner: false)

  /// The tar of these entries, in the order of their names; layers are made when it is their turn.
  static func tar(of entries: [RepositoryEntry]) -> any ByteSource { TarStream(Members(entries), dialect) }

  /// The length of that tar.
  static func byteCount(of entries: [RepositoryEntry]) throws -> Int64 {
    try Members(entries).byteCount(dialect)
  }

  private final class Members: TarMembers {
    private let entries: [RepositoryEntry]
    private var members: ArraySlice<() throws -> TarInput> = []
    private var position = -1

    init(_ entries: [RepositoryEntry]) {
      self.entries = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    func next() throws -> TarInput? {
      while members.isEmpty {
        guard position < entries.count else { return nil }
        members =
          position < 0
          ? [{ TarInput(header: Self.header("./", .directory)) }] : Self.members(of: entries[position])
        position += 1
      }
      return try members.removeFirst()()
    }

    private static func members(of entry: RepositoryEntry) -> ArraySlice<() throws -> TarInput> {
      switch entry.content {
      case .file(let bytes): return [{ input(entry.name, bytes) }]
      case .layer(let files):
        let directory = { TarInput(header: header("\(entry.name)/", .directory)) }
        return [directory] + files.map { file in { try input(file, in: entry.name) } }
      }
    }

    private static func input(_ file: File, in directory: String) throws -> TarInput {
      switch file {
      case .document(let name, let bytes): return input("\(directory)/\(name)", bytes)
      case .link(let target):
        var header = header("\(directory)/layer.tar", .symbolicLink)
        header.linkName = Array(target.utf8)
        return TarInput(header: header)
      case .layer(let recipe, let facts):
        var header = header("\(directory)/layer.tar", .regular)
        header.byteCount = facts.byteCount
        return TarInput(header: header, content: .source(LateSource(recipe)))
      }
    }

    private static func input(_ name: String, _ bytes: [UInt8]) -> TarInput {
      var header = header(name, .regular)
      header.byteCount = Int64(bytes.count)
      return TarInput(header: header, content: .bytes(bytes))
    }

    private static func header(_ name: String, _ type: TarType) -> TarHeader {
      let mode: UInt32 =
        switch type {
        case .directory: 0o555
        case .symbolicLink: 0o777
        default: 0o444
        }
      var header = TarHeader(name: Array(name.utf8), type: type, mode: mode)
      header.owner = TarOwner(userName: "root", groupName: "root")
      header.modificationTime = TreePacking.time
      return header
    }
  }
}

/// The bytes of a layer that is not begun before somebody wants them.
private final class LateSource: ByteSource {
  private let recipe: any LayerRecipe
  private var source: (any ByteSource)?

  init(_ recipe: any LayerRecipe) { self.recipe = recipe }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let opened = try source ?? recipe.open()
    source = opened
    return try opened.read(into: buffer)
  }
}
