import ArchiveIO
import ImageArchive
import SystemPackage

/// Files of which a tree on disk has everything but the content, which is where it was: in the layers of an image.
///
/// On disk each is one hole of its length. Who copies the tree elsewhere need not write all of it here before.
struct AbsentContents: Sendable {
  /// Where the content of a file is.
  typealias Origin = FileSystemEntry.Origin

  private let image: Image?
  private var origins: [FileIdentity: Origin] = [:]

  /// No files, of that image.
  init(of image: Image? = nil) { self.image = image }

  /// Where a file's content is; nil when it is on the disk.
  subscript(_ identity: FileIdentity) -> Origin? {
    get { origins[identity] }
    set { origins[identity] = newValue }
  }

  /// The contents of a layer.
  func contents(of layer: Int) throws -> LayerContents {
    guard let image, image.layers.indices.contains(layer) else {
      preconditionFailure("files come from layers of their image")
    }
    return try LayerContents(of: image, layer: layer)
  }

  /// Gives files, each at one of its paths, their content.
  func fill(_ files: [FileIdentity: [UInt8]], in root: OpenDirectory) throws {
    var wanted: [Int: [(member: Int, path: [UInt8])]] = [:]
    for (identity, path) in files {
      guard let origin = origins[identity] else { continue }
      wanted[origin.layer, default: []].append((origin.member, path))
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    for (layer, files) in wanted {
      let files = files.sorted { $0.member < $1.member }
      var rest = files[...]
      try contents(of: layer).forEach(of: files.map(\.member)) { _, content in
        guard let file = rest.popFirst() else { return }
        let (parent, name) = FileSystemPath.split(file.path)
        try root.directory(at: Array(parent)).rewriteFile(Array(name)) {
          try content.source.copy(to: $0, through: buffer)
        }
      }
    }
  }
}
