public import SystemPackage

extension Closure {
  /// The same closure with the hashes and sizes that the graph lacks, read from the files of the store.
  ///
  /// - Parameter root: What the store's directory is below, see `StorePath.location(below:)`.
  /// - Throws: `FileError`, `NARError`.
  public func measured(below root: FilePath = "/") async throws -> Closure {
    let missing = nodes.indices.filter { nodes[$0].narHash == nil || nodes[$0].narSize == nil }
    guard !missing.isEmpty else { return self }
    var complete = nodes
    try await withThrowingTaskGroup(of: (place: Int, measurement: NARMeasurement).self) { group in
      for place in missing {
        let location = nodes[place].path.location(below: root)
        group.addTask { (place, try NARMeasurement(ofTreeAt: location)) }
      }
      for try await (place, measurement) in group {
        complete[place].narHash = measurement.hash
        complete[place].narSize = measurement.byteCount
      }
    }
    return try Closure(complete)
  }
}
