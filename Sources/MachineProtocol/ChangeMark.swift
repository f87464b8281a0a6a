/// Members of the guest's tar that are no files.
public enum ChangeMark {
  /// The name of the member that says that the file of this path is gone (image-spec, "Whiteouts").
  public static func removal(of path: [UInt8]) -> [UInt8] {
    let start = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    return path[..<start] + Array(".wh.".utf8) + path[start...]
  }

  /// The name of the member that says that what was in the directory of this path is gone (image-spec, "Opaque Whiteout").
  public static func opaque(_ directory: [UInt8]) -> [UInt8] {
    directory + (directory.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")])
      + Array(".wh..wh..opq".utf8)
  }
}
