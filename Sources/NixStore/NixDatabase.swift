import Hashing
import SQLite

/// What makes `nix-store` work in an image: the database that says which paths are valid, and links that keep
/// them from the collector (nix-integration.md, section 5).
///
/// Written without Nix. The bytes follow from the closure's paths, hashes, sizes and references alone:
/// derivers are left out, as nixpkgs does, so that every kind of graph gives the same.
public struct NixDatabase: Sendable {
  /// A file of the image.
  public struct Member: Sendable, Hashable {
    /// What a member is.
    public enum Content: Sendable, Hashable {
      /// A regular file.
      case file([UInt8])
      /// A symbolic link.
      case symlink(target: String)
    }

    /// Relative to the root of the image, without a slash at either end.
    public let path: String
    /// The bytes, or where it points to.
    public let content: Content
  }

  /// Everything to write, sorted by path; the directories above are not listed.
  public let members: [Member]

  /// Describes a closure.
  ///
  /// - Parameter roots: What the collector must keep, with everything it refers to: the image's contents.
  /// - Throws: `ClosureError` when a root is not in the closure, or hashes are missing (`Closure.measured`);
  ///   `SQLiteError`.
  public init(_ closure: Closure, roots: [StorePath]) throws {
    for root in roots where closure[root] == nil { throw ClosureError.missing(root) }
    let database = try Self.databaseBytes(of: closure)
    let links = Set(roots).sorted().map { root in
      Member(
        path: "nix/var/nix/gcroots/docker/\(root.baseName)", content: .symlink(target: root.description))
    }
    members =
      [
        Member(path: "nix/var/nix/db/db.sqlite", content: .file(database)),
        // The version of the tables that Nix 2 uses; without an end of line, as Nix writes it.
        Member(path: "nix/var/nix/db/schema", content: .file(Array("10".utf8))),
      ] + links
  }

  /// The bytes of `db.sqlite`.
  public static func databaseBytes(of closure: Closure) throws -> [UInt8] {
    let database = try SQLiteDatabase()
    try database.execute(tables)
    let paths = try pathRows(of: closure)
    try database.execute("begin")
    try database.execute(
      "insert into ValidPaths (id, path, hash, registrationTime, narSize) values (?, ?, ?, 1, ?)",
      forEach: paths)
    try database.execute(
      "insert into Refs (referrer, reference) values (?, ?)", forEach: referenceRows(of: closure))
    // After the rows, so that they are built from sorted entries.
    try database.execute(indexes)
    try database.execute("commit")
    return try database.fileBytes()
  }

  private static func pathRows(of closure: Closure) throws(ClosureError) -> [[SQLiteValue]] {
    var rows: [[SQLiteValue]] = []
    for (place, node) in closure.nodes.enumerated() {
      guard let hash = node.narHash, let size = node.narSize else { throw .unmeasured(node.path) }
      rows.append([
        .integer(Int64(place) + 1), .text(node.path.description), .text("sha256:\(hash.hex)"), .integer(size),
      ])
    }
    return rows
  }

  /// Pairs of row numbers, ascending.
  private static func referenceRows(of closure: Closure) -> [[SQLiteValue]] {
    closure.nodes.enumerated().flatMap { place, node in
      node.references.compactMap { closure.place(of: $0) }.sorted().map { reference in
        [.integer(Int64(place) + 1), .integer(Int64(reference) + 1)]
      }
    }
  }

  private static let tables = """
    create table ValidPaths (
      id integer primary key autoincrement not null,
      path text unique not null,
      hash text not null,
      registrationTime integer not null,
      deriver text,
      narSize integer,
      ultimate integer,
      sigs text,
      ca text
    );
    create table Refs (
      referrer integer not null,
      reference integer not null,
      primary key (referrer, reference),
      foreign key (referrer) references ValidPaths(id) on delete cascade,
      foreign key (reference) references ValidPaths(id) on delete restrict
    );
    create table DerivationOutputs (
      drv integer not null,
      id text not null,
      path text not null,
      primary key (drv, id),
      foreign key (drv) references ValidPaths(id) on delete cascade
    );
    """

  /// A path that refers to itself could not be deleted without the trigger.
  private static let indexes = """
    create index IndexReferrer on Refs(referrer);
    create index IndexReference on Refs(reference);
    create index IndexDerivationOutputs on DerivationOutputs(path);
    create trigger DeleteSelfRefs before delete on ValidPaths
    begin
      delete from Refs where referrer = old.id and reference = old.id;
    end;
    """
}
