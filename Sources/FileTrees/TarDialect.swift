/// How a program writes tar headers.
///
/// The programs agree on what a reader sees and on nothing else, so none can stand in for another where digests count
/// (nix-dockertools.md, section 13).
public enum TarDialect: Sendable, Hashable {
  /// `archive/tar` of Go, which skopeo uses: ustar with split names and every unnamed byte NUL, PAX where a value does not fit
  /// (docker-archive-bytes.md, "Tar header").
  case go
  /// `tarfile` of CPython 3.9 to 3.13 in its default format, PAX: never a split name, a record for every value that is long or not ASCII
  /// (nix-dockertools.md, section 2.5).
  case python
  /// GNU tar in its default format. `numericOwner` is the option of that name, which shows in the members that carry long names.
  case gnu(numericOwner: Bool)

  /// What archives are filled up to with zeros, in bytes.
  public var recordSize: Int {
    switch self {
    case .go: TarHeader.blockSize
    case .python, .gnu: 20 * TarHeader.blockSize
    }
  }

  /// What ends an archive after `byteCount` bytes of members.
  public func end(after byteCount: Int64) -> [UInt8] {
    let ended = byteCount + Int64(TarHeader.endOfArchive.count)
    let excess = Int(ended % Int64(recordSize))
    return TarHeader.endOfArchive + [UInt8](repeating: 0, count: excess == 0 ? 0 : recordSize - excess)
  }
}

extension TarHeader {
  /// The header in `dialect`, with the members in front that it needs.
  public func encoded(_ dialect: TarDialect = .go) -> [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes, dialect)
    return bytes
  }

  /// Appends the header in `dialect`, with the members in front that it needs.
  public func append(to bytes: inout [UInt8], _ dialect: TarDialect) {
    appendExtendedAttributes(to: &bytes, dialect)
    switch dialect {
    case .go: appendGo(to: &bytes)
    case .python: appendPython(to: &bytes)
    case .gnu(let numericOwner): appendGNU(to: &bytes, numericOwner: numericOwner)
    }
  }
}
