public import ArchiveIO
public import ImageArchive
import Glibc

/// The file system of an image as one tar, with the whiteouts of all layers applied (nix-dockertools.md, section 8).
///
/// Nothing is unpacked. The layers are read twice: once for names, from which follows where everything goes, and once for contents, which go
/// there in any order, so several layers at a time.
public struct FlatTar: Sendable {
  private let image: Image
  private let style: FlatTarStyle

  /// The file system of `image`.
  public init(_ image: Image, style: FlatTarStyle) {
    self.image = image
    self.style = style
  }

  /// Writes the tar to an empty file and gives its length.
  ///
  /// - Throws: `LayerError`, `FileSystemError`, what reading the layers and writing throws.
  public func write(to file: DirectFile) async throws -> Int64 {
    let view = try await LayerStack(hashingContents: false, checkingDiffIDs: false).view(of: image)
    let layout = try await Thread.run { [style] in
      try FlatTarLayout(view, style: style) { bytes, offset in
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
      }
    }
    let width = max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (count, (layer, places)) in layout.places.sorted(by: { $0.key < $1.key }).enumerated() {
        if count >= width { try await group.next() }
        group.addTask { [image] in
          try await Thread.run {
            let subject = "layer \(layer + 1) of \(image.layers.count)"
            try LayerContents(image.layers[layer], subject: subject).copy(places, to: file)
          }
        }
      }
      try await group.waitForAll()
    }
    return layout.byteCount
  }
}

/// The contents of the files of one layer.
private struct LayerContents {
  private let reader: TarReader
  private let subject: String

  init(_ layer: Layer, subject: String) throws {
    self.subject = subject
    let stored = BufferedSource(try layer.content.open())
    let compression = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    reader = TarReader(compression == .none ? stored : BufferedSource(try compression.decompress(stored)))
  }

  /// Copies what is wanted, in the order of the layer; writing is done by another thread.
  func copy(_ places: [FlatTarLayout.Place], to file: DirectFile) throws {
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 4))
    let writing = Worker()
    var rest = places[...]
    var number = 0
    while let first = rest.first, try reader.next() != nil {
      defer { number += 1 }
      guard first.member == number else { continue }
      let same = rest.prefix { $0.member == number }
      rest = rest.dropFirst(same.count)
      try copy(same, by: filler, on: writing, to: file)
    }
    try writing.finish()
    guard rest.isEmpty else { throw FileChanged(path: subject) }
  }

  /// Copies the content of the current member to its places.
  private func copy(
    _ places: ArraySlice<FlatTarLayout.Place>, by filler: BlockFiller, on writing: Worker, to file: DirectFile
  ) throws {
    guard let first = places.first else { return }
    if first.byteCount >= 1 << 17 { filler.align(to: first.offset) }
    var done: Int64 = 0
    while done < first.byteCount {
      let part = try filler.append { space in
        let wanted = UnsafeMutableRawBufferPointer(rebasing: space.prefix(Int(first.byteCount - done)))
        var count = 0
        while count < wanted.count {
          let piece = try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: wanted[count...]))
          if piece == 0 { throw FileChanged(path: subject) }
          count += piece
        }
        return count
      }
      try writing.submit { [offset = done] in
        for place in places { try part.write(to: file, at: place.offset + offset) }
      }
      done += Int64(part.byteCount)
    }
  }
}
