public import ArchiveIO
public import ImageArchive
import OCIModel

/// The file system of an image as one tar, with the whiteouts of all layers applied (nix-dockertools.md, section 8).
///
/// Nothing is unpacked. The layers are read twice: once for names, from which follows where everything goes, and once for contents, which go
/// there in any order, so several layers at a time.
public struct FlatTar: Sendable {
  private enum Origin {
    case image(Image)
    case tree(FileRange)
  }

  private let origin: Origin
  private let style: FlatTarStyle

  /// The file system of `image`.
  public init(_ image: Image, style: FlatTarStyle) {
    origin = .image(image)
    self.style = style
  }

  /// The file system that an uncompressed tar without whiteouts has, in whatever order and style.
  public init(tree: FileRange, style: FlatTarStyle) {
    origin = .tree(tree)
    self.style = style
  }

  /// Writes the tar to an empty file and gives its length.
  ///
  /// - Throws: `LayerError`, `FileSystemError`, what reading the layers and writing throws.
  public func write(to file: DirectFile) async throws -> Int64 {
    let view = try await view()
    let layout = try await Thread.run { [style] in
      try FlatTarLayout(view, style: style) { bytes, offset in
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
      }
    }
    // The largest first, so that none of them is left over when the others are done.
    let layers = layout.places.sorted { byteCount(of: $0.key) > byteCount(of: $1.key) }
    try await Thread.run {
      try Thread.forEach(layers) { layer in
        try PlaceFiller(file).fill(layer.value, from: contents(of: layer.key))
      }
    }
    return layout.byteCount
  }

  private func view() async throws -> FileSystemView {
    switch origin {
    case .image(let image):
      return try await LayerStack(hashingContents: false, checkingDiffIDs: false).view(of: image)
    case .tree(let tar):
      return try await Thread.run {
        var view = FileSystemView()
        try view.apply(LayerChanges(tar.open(), hashingContents: false), number: 0)
        return view
      }
    }
  }

  /// The length of a layer as it is stored, in bytes.
  private func byteCount(of layer: Int) -> Int64 {
    switch origin {
    case .image(let image): image.layers[layer].descriptor.byteCount
    case .tree(let tar): tar.byteCount
    }
  }

  private func contents(of layer: Int) throws -> LayerContents {
    switch origin {
    case .image(let image): try LayerContents(of: image, layer: layer)
    case .tree(let tar): LayerContents(tar.open(), subject: "a tree")
    }
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
