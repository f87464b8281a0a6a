/// A result that one thread computes and others wait for.
public final class Promise<Value: Sendable>: Sendable {
  private let state = Monitor<Result<Value, any Error>?>(nil)

  /// A promise that is not kept yet.
  public init() {}

  /// Gives the result, once.
  public func fulfil(_ result: Result<Value, any Error>) { state.update { $0 = $0 ?? result } }

  /// Blocks until the result is there.
  public func value() throws -> Value { try state.wait { $0 }.get() }
}
