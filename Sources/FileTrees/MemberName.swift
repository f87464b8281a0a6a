/// The name of a member of an archive, for comparing: never a path that is opened.
///
/// `./a`, `a` and `b/../a` are the same; what is absolute or leads out of the archive stays so, and is equal to nothing honest. Equality is of
/// bytes: two spellings of one character are two names.
public struct MemberName: Hashable, Sendable {
  /// The cleaned name.
  public let bytes: [UInt8]

  private static let slash = UInt8(ascii: "/")

  /// The name as `path.Clean` of Go leaves it, which is what readers of docker-archives compare.
  public init(cleaning name: some Collection<UInt8>) {
    let isRooted = name.first == Self.slash
    let dots = Array("..".utf8)
    var parts: [[UInt8]] = []
    for part in name.split(separator: Self.slash) where !part.elementsEqual(".".utf8) {
      if !part.elementsEqual(dots) {
        parts.append(Array(part))
      } else if let last = parts.last, last != dots {
        parts.removeLast()
      } else if !isRooted {
        parts.append(dots)
      }
    }
    let joined = Array(parts.joined(separator: [Self.slash]))
    bytes = isRooted ? [Self.slash] + joined : joined.isEmpty ? [UInt8(ascii: ".")] : joined
  }

  /// The same for a text.
  public init(_ text: String) { self.init(cleaning: text.utf8) }

  /// What a symbolic link of this name leads to when it has that target.
  public func following(_ target: [UInt8]) -> MemberName {
    if target.first == Self.slash { return MemberName(cleaning: target) }
    let directory = bytes.lastIndex(of: Self.slash).map { bytes[...$0] } ?? []
    return MemberName(cleaning: directory + target)
  }
}

extension MemberName: CustomStringConvertible {
  /// The beginning of the name in quotation marks, control characters escaped.
  public var description: String { String(reflecting: String(decoding: bytes.prefix(300), as: UTF8.self)) }
}
