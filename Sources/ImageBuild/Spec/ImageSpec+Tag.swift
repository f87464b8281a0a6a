public import Hashing
public import NixStore
import OrderedJSON

extension ImageSpec {
  /// The tag of an image whose spec names none; see `LayeredSpec.defaultTag`.
  public func defaultTag(
    inputs: [Digest], storeDirectory: String = StorePath.defaultStoreDirectory
  ) -> String {
    var spec = NormalizedSpec(
      common, table: Self.table, contentsKey: "copyToRoot", created: createdText,
      storeDirectory: storeDirectory)
    spec.add("keepContentsDirlinks", .bool(keepContentsDirlinks))
    spec.add("runAsRoot", runAsRoot.map { .string($0) } ?? .null)
    spec.add("remove", .array(removed.map { .string($0) }))
    return spec.tag(inputs: inputs)
  }
}
