import ArchiveIO
import ImageArchive

extension TarHeader {
  /// What a tar says of a file of an image, under the name `./path`.
  init(_ entry: FileSystemEntry, at path: [UInt8]) {
    let name = Array("./".utf8) + path + (entry.kind == .directory && !path.isEmpty ? "/".utf8 : "".utf8)
    self.init(
      name: name, type: TarType(entry.kind), mode: entry.kind == .symbolicLink ? 0o777 : entry.mode,
      byteCount: entry.kind == .file ? entry.byteCount : 0, linkName: entry.linkTarget)
    owner = TarOwner(uid: entry.userID, gid: entry.groupID)
    modificationTime = entry.modificationTime
    device = entry.device.map(TarDevice.init)
    extendedAttributes = entry.extendedAttributes.map { PAXRecord(key: $0.name, value: $0.value) }
  }
}

extension TarDevice {
  init(_ device: FileSystemEntry.DeviceNumber) {
    self.init(
      major: UInt32(truncatingIfNeeded: device.major), minor: UInt32(truncatingIfNeeded: device.minor))
  }
}
