public import ArchiveIO
public import NixStore

/// Finds store paths in text and other bytes, as Nix finds what an output refers to: by their hashes.
public struct StoreReferences: Sendable {
  private static let alphabet = Set("0123456789abcdfghijklmnpqrsvwxyz".utf8)
  private static let nameCharacters = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._?=".utf8)
  private static let hashLength = 32
  private static let longestName = 211

  private let storeDirectory: String

  /// A search for paths of that store.
  public init(storeDirectory: String) { self.storeDirectory = storeDirectory }

  /// The paths in `bytes`, in the order of their bytes.
  ///
  /// What is before a hash does not matter: relative links (`../HASH-x/lib`) refer to a path as well. Where a name ends can only be guessed
  /// (`see /nix/store/HASH-x.`, or the next field of a tar header), so `exists` decides between a name and its beginnings. What does not exist
  /// in any form is given as it is written when the store's directory is before it.
  public func find(in bytes: some Collection<UInt8>, exists: (StorePath) -> Bool) -> [StorePath] {
    var found: Set<StorePath> = []
    var seen: Set<ArraySlice<UInt8>> = []
    let text = Array(bytes)
    let prefix = (storeDirectory + "/").utf8
    var position = Self.hashLength
    while position < text.count {
      guard text[position] == UInt8(ascii: "-"),
        text[(position - Self.hashLength)..<position].allSatisfy(Self.alphabet.contains)
      else {
        position += 1
        continue
      }
      let start = position - Self.hashLength
      let name = text[position...].prefix(1 + Self.longestName).prefix(while: Self.nameCharacters.contains)
      let baseName = text[start..<name.endIndex]
      position += 1
      guard seen.insert(baseName).inserted else { continue }
      let isInStore = text[..<start].suffix(prefix.count).elementsEqual(prefix)
      if let path = path(baseName, isInStore: isInStore, exists: exists) { found.insert(path) }
    }
    return found.sorted()
  }

  /// The same for bytes that come in pieces.
  public func find(in source: any ByteSource, exists: (StorePath) -> Bool) throws -> [StorePath] {
    // No store path is longer than its directory and 256 bytes.
    let overlap = storeDirectory.utf8.count + 256
    var found: Set<StorePath> = []
    var window = [UInt8](repeating: 0, count: 1 << 20)
    var kept = 0
    while true {
      let count = try window.withUnsafeMutableBytes {
        try source.readFully(into: UnsafeMutableRawBufferPointer(rebasing: $0[kept...]))
      }
      found.formUnion(find(in: window[..<(kept + count)], exists: exists))
      if kept + count < window.count { return found.sorted() }
      window.withUnsafeMutableBytes { bytes in
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - overlap)...]))
      }
      kept = overlap
    }
  }

  private func path(
    _ baseName: ArraySlice<UInt8>, isInStore: Bool, exists: (StorePath) -> Bool
  ) -> StorePath? {
    var written: StorePath?
    var isWritten = isInStore
    var rest = baseName
    while rest.count > Self.hashLength + 1 {
      let text = "\(storeDirectory)/\(String(decoding: rest, as: UTF8.self))"
      if let path = try? StorePath(parsing: text, storeDirectory: storeDirectory) {
        if exists(path) { return path }
        if isWritten { written = written ?? path }
      }
      guard let last = rest.popLast() else { break }
      isWritten = isWritten && "?.=".utf8.contains(last)
    }
    return written
  }
}
