import ArchiveIO
import ImageArchive

/// Where the contents of a guest's files are, by layer.
struct GuestContents: Sendable {
  /// A layer that is put on those of the image.
  enum Layer: Sendable {
    /// Files of this machine or in memory, by their numbers.
    case files([FileTree.Node])
    /// A tar, with the places of its members' contents.
    case tar(FileRange, contentOffsets: [Int64])
  }

  /// The image at the bottom.
  let image: Image?
  private var added: [Layer] = []
  /// Held for as long as files in it may be opened.
  private let scratch: ScratchTree?

  /// Those of an image, or nothing, and then of files of which some may be in `scratch`.
  init(of image: Image? = nil, with scratch: ScratchTree? = nil) {
    (self.image, self.scratch) = (image, scratch)
  }

  private var imageLayerCount: Int { image?.layers.count ?? 0 }

  /// Puts a layer on top, and gives its number.
  mutating func append(_ layer: Layer) -> Int {
    added.append(layer)
    return imageLayerCount + added.count - 1
  }

  /// Whether a member is of one of the image's layers, which can only be read from front to back.
  func isOfImage(_ origin: FileSystemEntry.Origin) -> Bool { origin.layer < imageLayerCount }

  /// The content of a file that is not of the image.
  func content(of origin: FileSystemEntry.Origin, byteCount: Int64) throws -> TarInput.Content {
    switch added[origin.layer - imageLayerCount] {
    case .files(let nodes):
      switch nodes[origin.member] {
      case .file(let bytes, _): return .bytes(bytes)
      case .copy(let file): return .file(try file.open())
      case .directory, .link: return .none
      }
    case .tar(let tar, let offsets):
      let place = FileRange(tar.file, offset: tar.offset + offsets[origin.member], byteCount: byteCount)
      let alignment = Int64(DirectFile.alignment)
      let window = min(1 << 20, (byteCount + 2 * alignment - 1) / alignment * alignment)
      return .source(place.open(windowSize: Int(window)))
    }
  }
}
