import NixStore

/// The file that a spec's `closure` names cannot be used.
struct UnusableClosure: Error, CustomStringConvertible {
  var file: String
  var reason: ClosureError
  var description: String { "\(file): \(reason)" }
}
