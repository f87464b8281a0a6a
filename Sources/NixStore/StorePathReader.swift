/// Reads the paths of a reference graph: all of one store, and most of them many times.
struct StorePathReader {
  private var storeDirectory: String?
  private var known: [String: StorePath] = [:]

  /// A path at a place in the text.
  mutating func read(_ text: String, at place: String) throws(ClosureError) -> StorePath {
    if let path = known[text] { return path }
    do throws(StorePathError) {
      let path =
        if let storeDirectory {
          try StorePath(parsing: text, storeDirectory: storeDirectory)
        } else {
          try StorePath(inAnyStore: text)
        }
      storeDirectory = path.storeDirectory
      known[text] = path
      return path
    } catch {
      throw .path(place: place, error)
    }
  }
}
