public import ArchiveIO
public import NixStore

/// Finds store paths in text and other bytes, as Nix finds what an output refers to: by their hashes.
public struct StoreReferences: Sendable {
  private static let alphabet = Set("0123456789abcdfghijklmnpqrsvwxyz".utf8)
  private static let nameCharacters = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._?=".utf8)
  private static let hashLength = 32

  private let storeDirectory: String

  /// A search for paths of that store.
  public init(storeDirectory: String) { self.storeDirectory = storeDirectory }

  /// The paths in `bytes`, in the order of their bytes.
  ///
  /// Where a name ends can only be guessed in running text (`see /nix/store/…-x.`), so `exists` decides between a name and the same one without
  /// the signs at its end; what does not exist in any form is given as it is written.
  public func find(in bytes: some Collection<UInt8>, exists: (StorePath) -> Bool) -> [StorePath] {
    var found: Set<StorePath> = []
    let text = Array(bytes)
    let prefix = Array((storeDirectory + "/").utf8)
    var position = 0
    while position + prefix.count + Self.hashLength < text.count {
      guard text[position] == prefix[0], text[position...].starts(with: prefix) else {
        position += 1
        continue
      }
      let start = position + prefix.count
      position += 1
      let hash = text[start..<min(start + Self.hashLength, text.count)]
      guard hash.count == Self.hashLength, hash.allSatisfy(Self.alphabet.contains) else { continue }
      let name = text[(start + Self.hashLength)...].prefix(while: Self.nameCharacters.contains)
      if let path = path(hash + name, exists: exists) { found.insert(path) }
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

  private func path(_ baseName: ArraySlice<UInt8>, exists: (StorePath) -> Bool) -> StorePath? {
    var written: StorePath?
    var rest = baseName
    while rest.count > Self.hashLength + 1 {
      let text = "\(storeDirectory)/\(String(decoding: rest, as: UTF8.self))"
      if let path = try? StorePath(parsing: text, storeDirectory: storeDirectory) {
        if exists(path) { return path }
        written = written ?? path
      }
      guard let last = rest.last, "?.=".utf8.contains(last) else { break }
      rest = rest.dropLast()
    }
    return written
  }
}
