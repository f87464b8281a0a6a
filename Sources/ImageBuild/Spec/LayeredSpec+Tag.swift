import ArchiveIO
public import Hashing
public import NixStore
import OCIModel
import OrderedJSON

extension LayeredSpec {
  /// See `NormalizedSpec`.
  public func normalizedForTag(storeDirectory: String = StorePath.defaultStoreDirectory) -> [UInt8] {
    normalized(storeDirectory: storeDirectory).bytes
  }

  private func normalized(storeDirectory: String) -> NormalizedSpec {
    var spec = NormalizedSpec(
      common, table: Self.table, contentsKey: "contents", created: common.created.text,
      storeDirectory: storeDirectory)
    spec.set("mtime", .string(modified.text))
    spec.add("uname", .string(common.owner.userName))
    spec.add("gname", .string(common.owner.groupName))
    spec.add("maxLayers", .integer(maxLayers))
    spec.add("fakeRootCommands", .string(fakeRootCommands))
    spec.add("enableFakechroot", .bool(enableFakechroot))
    spec.add("includeStorePaths", .bool(includeStorePaths))
    spec.add("layering", layering.normalized)
    return spec
  }

  /// The tag of an image whose spec names none.
  ///
  /// - Parameter inputs: the digests of the base image, of each plain directory and file that the spec names, in the order of the
  ///   spec, and of the closure. They stand for the paths that `normalizedForTag` leaves out.
  public func defaultTag(
    inputs: [Digest], storeDirectory: String = StorePath.defaultStoreDirectory
  ) -> String {
    normalized(storeDirectory: storeDirectory).tag(inputs: inputs)
  }
}

extension LayeredSpec.Layering {
  fileprivate var normalized: JSONValue {
    switch self {
    case .popularity: "popularity"
    case .auto: "auto"
    case .explicit(let layers): .array(layers.map { .array($0.map { .string($0) }) })
    }
  }
}
