/// A number of things that threads borrow.
public final class Supply<Thing: Sendable>: Sendable {
  private let things: Monitor<[Thing]>

  /// A supply of `things`.
  public init(_ things: [Thing]) { self.things = Monitor(things) }

  /// Borrows one, as soon as there is one.
  public func take() -> Thing { things.wait { $0.popLast() } }

  /// Gives one back.
  public func put(back thing: Thing) { things.update { $0.append(thing) } }
}
