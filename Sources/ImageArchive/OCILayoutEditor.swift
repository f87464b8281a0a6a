public import OCIModel
public import SystemPackage

/// Changes which images an OCI layout names.
public struct OCILayoutEditor: Sendable {
  /// The layout's directory.
  public let path: FilePath

  /// An editor of the layout at `path`.
  public init(_ path: FilePath) { self.path = path }

  /// Removes the entries of `index.json` that `selector` names, and returns them; blobs stay.
  ///
  /// Other writers wait, and readers see the index before or after.
  ///
  /// - Throws: `ImageArchiveError.noSuchImage`, `OCILayoutError`, `FileError`.
  @discardableResult
  public func remove(_ selector: ImageSelector) throws -> [Descriptor] {
    // Refuses what is no layout.
    _ = try OCILayoutReader(directory: path)
    let lock = try LayoutLock.index(of: path)
    defer { withExtendedLifetime(lock) {} }
    let file = path.appending("index.json")
    var index = try OCILayoutIndex.parse(LayoutFile.read(file))
    let removed: [Descriptor]
    switch selector {
    case .name(let name): removed = OCILayoutReader.entries(index.manifests, named: name)
    case .digest(let digest): removed = index.manifests.filter { $0.digest == digest }
    case .position(let position):
      removed = index.manifests.indices.contains(position) ? [index.manifests[position]] : []
    }
    guard !removed.isEmpty else {
      let available = try OCILayoutReader(directory: path).listings
      throw ImageArchiveError(path.string, .noSuchImage(selector, available: available))
    }
    if case .position(let position) = selector {
      index.manifests.remove(at: position)
    } else {
      index.manifests.removeAll { removed.contains($0) }
    }
    try LayoutFile.write(index.encoded().bytes, to: file)
    return removed
  }
}
