public import ArchiveIO
public import ImageArchive
import Glibc
import OCIModel

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
      // The largest first, so that none of them is left over when the others are done.
      let layers = layout.places.sorted { first, second in
        let layers = image.layers
        return layers[first.key].descriptor.byteCount > layers[second.key].descriptor.byteCount
      }
      for (count, (layer, places)) in layers.enumerated() {
        if count >= width { try await group.next() }
        group.addTask { [image] in
          try await Thread.run {
            let subject = "layer \(layer + 1) of \(image.layers.count)"
            try PlaceFiller(file).fill(places, from: LayerContents(image.layers[layer], subject: subject))
          }
        }
      }
      try await group.waitForAll()
    }
    return layout.byteCount
  }
}

/// Copies contents of one layer to their places in a file; writing is done by another thread.
private final class PlaceFiller {
  private let file: DirectFile
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 4))
  private let writing = Worker()

  init(_ file: DirectFile) { self.file = file }

  func fill(_ places: [FlatTarLayout.Place], from layer: LayerContents) throws {
    var rest = places[...]
    try layer.forEach(of: places.map(\.member)) { member, content in
      let same = rest.prefix { $0.member == member }
      rest = rest.dropFirst(same.count)
      try copy(content, to: same)
    }
    try writing.finish()
  }

  private func copy(_ content: LayerContents.File, to places: ArraySlice<FlatTarLayout.Place>) throws {
    guard let first = places.first else { return }
    if first.byteCount >= 1 << 17 { filler.align(to: first.offset) }
    var done: Int64 = 0
    while done < first.byteCount {
      let part = try filler.append { space in
        let wanted = UnsafeMutableRawBufferPointer(rebasing: space.prefix(Int(first.byteCount - done)))
        try content.read(exactly: wanted)
        return wanted.count
      }
      try writing.submit { [offset = done, file] in
        for place in places { try part.write(to: file, at: place.offset + offset) }
      }
      done += Int64(part.byteCount)
    }
  }
}
