/// What the name of a layer's member stands for (image-spec, "Layers").
public enum LayerName: Sendable, Hashable {
  /// Something is put at this path.
  case file([UInt8])
  /// What lower layers have at this path goes.
  case removal(of: [UInt8])
  /// What lower layers have in this directory goes.
  case opaque([UInt8])
  /// Nothing: AUFS kept such names for itself.
  case reserved

  private static let slash = UInt8(ascii: "/")

  /// The meaning of a name.
  ///
  /// - Throws: `LayerNameError`.
  public init(_ name: [UInt8]) throws(LayerNameError) {
    let path = try Self.path(name)
    let (parent, last) = Self.split(path)
    if last.elementsEqual(".wh..wh..opq".utf8) {
      self = .opaque(Array(parent))
    } else if path.split(separator: Self.slash).contains(where: { $0.starts(with: ".wh..wh.".utf8) }) {
      self = .reserved
    } else if last.starts(with: ".wh.".utf8) {
      let removed = last.dropFirst(4)
      // `.wh.`, `.wh..` and `.wh...` would mean the directory itself and the one above.
      guard !removed.isEmpty, !removed.elementsEqual(".".utf8), !removed.elementsEqual("..".utf8) else {
        throw .badWhiteout(path)
      }
      self = .removal(of: parent.isEmpty ? Array(removed) : parent + [Self.slash] + removed)
    } else {
      self = .file(path)
    }
  }

  /// The name of a member, or what a hard link leads to, as a path in the image without a slash in front: `./a`, `/a` and `b/../a` are `a`.
  ///
  /// No path leads out of the image, but directories on the way may be links.
  ///
  /// - Throws: `LayerNameError.leadsOut`.
  public static func path(_ name: [UInt8]) throws(LayerNameError) -> [UInt8] {
    var bytes = MemberName(cleaning: name).bytes
    if bytes.first == slash { bytes.removeFirst() }
    if bytes.elementsEqual(".".utf8) { return [] }
    if bytes.elementsEqual("..".utf8) || bytes.starts(with: "../".utf8) { throw .leadsOut(name) }
    return bytes
  }

  /// The path of the directory, and the name in it.
  public static func split(_ path: [UInt8]) -> (parent: ArraySlice<UInt8>, name: ArraySlice<UInt8>) {
    guard let last = path.lastIndex(of: slash) else { return ([], path[...]) }
    return (path[..<last], path[(last + 1)...])
  }
}

/// Why a name can be none of a layer's member.
public enum LayerNameError: Error, Sendable, Hashable, CustomStringConvertible {
  /// It leads out of the image.
  case leadsOut([UInt8])
  /// A whiteout of nothing, of the directory itself, or of the one above.
  case badWhiteout([UInt8])

  /// One line for people.
  public var description: String {
    switch self {
    case .leadsOut(let name): "the name \(Self.text(name)) leads out of the image"
    case .badWhiteout(let path): "the whiteout \(Self.text(path)) removes nothing that can be removed"
    }
  }

  /// The beginning of the name in quotation marks, control characters escaped.
  private static func text(_ name: [UInt8]) -> String {
    String(reflecting: String(decoding: name.prefix(300), as: UTF8.self))
  }
}
