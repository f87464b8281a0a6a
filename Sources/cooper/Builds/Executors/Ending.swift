/// Calls `body`, and in any case afterwards `end`, which may wait.
func ending<Value>(
  _ end: () async -> Void, after body: () async throws -> Value
) async throws -> Value {
  do {
    let value = try await body()
    await end()
    return value
  } catch {
    await end()
    throw error
  }
}
