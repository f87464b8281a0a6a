public import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import OrderedJSON
import SystemPackage

extension LayeredImage {
  /// The image that nixpkgs' stream script makes of `configuration` (nix-dockertools.md, section 2).
  ///
  /// `root` is put before store paths to find them on this machine: empty, or the directory of a private store. Paths outside of the
  /// store's directory are where they say. `files` opens the base image.
  ///
  /// - Throws: `LayeredImageError`, `FileError`, and what reading the base image throws.
  public init(_ configuration: StreamConfiguration, root: String = "", files: PlainFile) throws {
    modified = configuration.modified
    created = configuration.created
    architecture = configuration.architecture
    repoTag = configuration.repoTag
    config = configuration.config
    parts = []
    preamble = configuration.baseImage == nil ? "No 'fromImage' provided" : nil
    if let path = configuration.baseImage {
      let base = try BaseArchive(FilePath(configuration.location(of: path, root: root)), files: files)
      config = try base.inherit(by: config)
      parts = base.parts
    }
    for paths in configuration.storeLayers {
      let layer = try StoreLayer(
        paths: paths, storeDirectory: configuration.storeDirectory, owner: configuration.owner,
        modificationTime: modified.seconds, root: root)
      parts.append(part(of: layer))
    }
    let layer = configuration.customisationLayer
    parts.append(try customisation(layer, at: configuration.location(of: layer, root: root)))
  }

  /// Makes the last layer's member in an archive root's, whoever owns the file on this machine.
  ///
  /// Digests of layers and of the image stay as they are.
  public mutating func disownCustomisation() {
    guard let last = parts.indices.last else { return }
    parts[last].header.owner = TarOwner(uid: 0, gid: 0, userName: "", groupName: "")
  }

  /// A layer of store paths.
  func part(of layer: StoreLayer) -> Part {
    var header = TarHeader(name: [], mode: 0o644)
    header.modificationTime = modified.seconds
    let paths = PythonList.description(of: layer.paths)
    return Part(
      message: "Creating layer \(parts.count + 1) from paths: \(paths)", comment: "store paths: \(paths)",
      header: header, recipe: layer, promised: nil)
  }

  /// The layer in a directory with `layer.tar` and `checksum`, which has its owner on this machine in the archive, as there.
  private func customisation(_ path: String, at location: String) throws -> Part {
    let directory = try OpenDirectory(FilePath(location))
    let name = Array("layer.tar".utf8)
    let status = try directory.status(of: name)
    let checksum = try FileRange(whole: DirectFile(reading: FilePath(location + "/checksum"))).readAll(
      limit: 1000)
    let text = String(decoding: checksum.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    var header = TarHeader(name: [], mode: status.mode)
    header.owner = HostNames.owner(of: status)
    header.modificationTime = modified.seconds
    return Part(
      message: "Creating layer \(parts.count + 1) with customisation...",
      comment: "store paths: \(PythonList.description(of: [path]))", header: header,
      recipe: try FileLayer(FileRange(whole: DirectFile(reading: FilePath(location + "/layer.tar")))),
      promised: try Digest(parsing: "sha256:\(text)"))
  }
}

extension StreamConfiguration {
  /// Where a file is that may be in the store, which is below `root`.
  fileprivate func location(of path: String, root: String) -> String {
    path.hasPrefix(storeDirectory + "/") ? root + path : path
  }
}
