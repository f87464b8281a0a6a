/// The spec of one kind of image: what every image's spec says, and more.
@dynamicMemberLookup
public protocol KindOfSpec: Sendable {
  /// What every image has.
  var common: BuildSpec { get set }
}

extension KindOfSpec {
  /// What every image has, as if it were here.
  public subscript<Value>(dynamicMember path: WritableKeyPath<BuildSpec, Value>) -> Value {
    get { common[keyPath: path] }
    set { common[keyPath: path] = newValue }
  }

  /// The same for what follows from it.
  public subscript<Value>(dynamicMember path: KeyPath<BuildSpec, Value>) -> Value { common[keyPath: path] }
}
