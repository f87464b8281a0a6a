import ArchiveIO
import ImageArchive

/// Where every member of a flat tar goes, and which content of which layer.
///
/// Needs memory for names and places, never for contents.
struct FlatTarLayout {
  private static let dialect = TarDialect.gnu(numericOwner: false)

  /// A place of the content of a member of a layer.
  struct Place {
    var member: Int
    var offset: Int64
    var byteCount: Int64
  }

  /// The places by layer, ordered by member.
  private(set) var places: [Int: [Place]] = [:]
  /// The length of the tar, its end included.
  private(set) var byteCount: Int64 = 0
  private let style: FlatTarStyle
  /// The first name of each file.
  private var names: [FileSystemEntry.Origin: [UInt8]] = [:]

  /// Lays the tar out; `write` gets everything but contents, in order, with its offset.
  init(
    _ view: FileSystemView, style: FlatTarStyle, write: (borrowing [UInt8], Int64) throws -> Void
  ) throws {
    self.style = style
    var bytes: [UInt8] = []
    var start: Int64 = 0
    func flush() throws {
      if !bytes.isEmpty { try write(bytes, start) }
      bytes.removeAll(keepingCapacity: true)
      start = byteCount
    }
    func add(_ path: [UInt8], _ entry: FileSystemEntry) throws {
      let before = bytes.count
      let size = append(path, entry, to: &bytes)
      byteCount += Int64(bytes.count - before)
      if size > 0 {
        if let origin = entry.origin {
          let place = Place(member: origin.member, offset: byteCount, byteCount: size)
          places[origin.layer, default: []].append(place)
        }
        try flush()
        byteCount += size + Int64(TarHeader.padding(after: size))
        start = byteCount
      } else if bytes.count > 1 << 18 {
        try flush()
      }
    }
    try add([], view.entry(at: FileSystemPath([])) ?? .implicitDirectory)
    try view.forEach { path, entry in try add(path.bytes, entry) }
    try flush()
    let end = Self.dialect.end(after: byteCount)
    try write(end, byteCount)
    byteCount += Int64(end.count)
    names = [:]
    for layer in places.keys { places[layer]?.sort { $0.member < $1.member } }
  }

  /// Appends a member's header and gives the length of the content that belongs behind it.
  private mutating func append(_ path: [UInt8], _ entry: FileSystemEntry, to bytes: inout [UInt8]) -> Int64 {
    var header = header(of: path, entry)
    if style.keepsHardLinks, entry.kind != .directory, let origin = entry.origin {
      if let first = names[origin] {
        header.type = .hardLink
        (header.byteCount, header.linkName) = (0, first)
      } else {
        names[origin] = header.name
      }
    }
    if header.type == .hardLink { header.extendedAttributes = [] }
    header.append(to: &bytes, Self.dialect)
    return header.byteCount
  }

  private func header(of path: [UInt8], _ entry: FileSystemEntry) -> TarHeader {
    var header = TarHeader(entry, at: path)
    header.owner.userName = entry.userID == 0 ? "root" : ""
    if !style.keepsTimes { header.modificationTime = TreePacking.time }
    return header
  }
}
