import ArchiveIO
import ImageArchive

extension TarType {
  /// What a file of an image is in a tar.
  init(_ kind: FileSystemEntry.Kind) {
    self =
      switch kind {
      case .file: .regular
      case .directory: .directory
      case .symbolicLink: .symbolicLink
      case .characterDevice: .characterDevice
      case .blockDevice: .blockDevice
      case .pipe: .fifo
      }
  }
}
