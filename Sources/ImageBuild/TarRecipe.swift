public import ArchiveIO

/// A layer that is a tar of members in order.
public protocol TarRecipe: LayerRecipe {
  /// How the headers are written.
  var dialect: TarDialect { get }

  /// The members, from the first one on.
  func members() throws -> any TarMembers
}

extension TarRecipe {
  /// See `LayerRecipe`.
  public func open() throws -> any ByteSource { TarStream(try members(), dialect) }

  /// See `LayerRecipe`.
  public func byteCount() throws -> Int64 { try members().byteCount(dialect) }
}

/// Members of several tars, one after the other.
final class JoinedMembers: TarMembers {
  private var parts: ArraySlice<any TarMembers>

  init(_ parts: [any TarMembers]) { self.parts = parts[...] }

  func next() throws -> TarInput? {
    while let part = parts.first {
      if let input = try part.next() { return input }
      parts = parts.dropFirst()
    }
    return nil
  }
}

extension TreeWalk.Entry {
  /// The entry as a member of that name; `adjust` gets its header with everything that the file system says but the owner.
  ///
  /// - Throws: `LayeredImageError.socket`, what opening throws.
  func input(named name: [UInt8], _ adjust: (inout TarHeader) -> Void) throws -> TarInput {
    let header = try header(named: name, adjust)
    return header.byteCount > 0
      ? TarInput(header: header, content: .file(try open())) : TarInput(header: header)
  }

  /// The header of that member.
  ///
  /// - Throws: `LayeredImageError.socket`.
  func header(named name: [UInt8], _ adjust: (inout TarHeader) -> Void) throws -> TarHeader {
    guard let type = status.type else { throw LayeredImageError.socket(description) }
    var header = TarHeader(
      name: name, type: type, mode: type == .symbolicLink ? 0o777 : status.mode, linkName: linkTarget)
    if type == .directory, name.last != UInt8(ascii: "/") { header.name.append(UInt8(ascii: "/")) }
    header.device = status.device
    adjust(&header)
    if header.type == .regular { header.byteCount = status.byteCount }
    return header
  }
}
