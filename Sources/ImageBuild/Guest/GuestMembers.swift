public import ArchiveIO
import ImageArchive

extension GuestTree {
  /// Everything in the tree as members of a tar that keep all that is said of it: hard links, times, attributes.
  ///
  /// Files of the image with content come behind all others, in the order of its layers.
  public func members() -> any TarMembers { GuestMembers(self) }
}

private final class GuestMembers: TarMembers {
  private typealias Origin = FileSystemEntry.Origin

  private let contents: GuestContents
  /// What can be given in any order, the first one first.
  private var inputs: ArraySlice<(header: TarHeader, origin: Origin?)>
  /// Files of the image, the first one last.
  private var files: [(header: TarHeader, origin: Origin)]
  private var layer: (number: Int, contents: LayerContents)?

  init(_ tree: GuestTree) {
    contents = tree.contents
    var inputs: [(header: TarHeader, origin: Origin?)] = []
    var files: [(header: TarHeader, origin: Origin)] = []
    var names: [Origin: [UInt8]] = [:]
    tree.forEach { path, entry in
      let header = TarHeader(entry, at: path)
      guard entry.kind != .directory, let origin = entry.origin else { return inputs.append((header, nil)) }
      if let first = names[origin] {
        let link = TarHeader(name: header.name, type: .hardLink, mode: 0, linkName: first)
        return inputs.append((link, nil))
      }
      names[origin] = header.name
      if entry.byteCount > 0, entry.kind == .file, tree.contents.isOfImage(origin) {
        files.append((header, origin))
      } else {
        inputs.append((header, origin))
      }
    }
    files.sort { ($0.origin.layer, $0.origin.member) > ($1.origin.layer, $1.origin.member) }
    (self.inputs, self.files) = (inputs[...], files)
  }

  func next() throws -> TarInput? {
    if let (header, origin) = inputs.popFirst() {
      guard let origin, header.byteCount > 0 else { return TarInput(header: header) }
      return TarInput(
        header: header, content: try contents.content(of: origin, byteCount: header.byteCount))
    }
    guard let (header, origin) = files.popLast() else { return nil }
    if layer?.number != origin.layer, let image = contents.image {
      layer = (origin.layer, try LayerContents(of: image, layer: origin.layer))
    }
    guard let content = try layer?.contents.file(origin.member) else { return nil }
    return TarInput(header: header, content: .source(content.source))
  }
}
