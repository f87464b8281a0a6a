import OrderedJSON
import TestSupport

/// Python's jsonschema, which says whether specs keep to a schema.
enum SchemaJudge {
  /// Reads a schema and then a spec from each line; prints 1 for a spec that is valid, 0 for one that is not.
  private static let program = """
    import json, sys
    from jsonschema import Draft202012Validator
    schema = json.loads(sys.stdin.readline())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for line in sys.stdin:
        print(int(validator.is_valid(json.loads(line))))
    """

  static func verdicts(on specs: [JSONValue], by schema: JSONObject) async throws -> [Bool] {
    let documents = [JSONValue.object(schema)] + specs
    let lines = documents.reduce(into: [UInt8]()) { $0 += $1.serialized() + [10] }
    // Debian's own Python, for which python3-jsonschema is installed.
    let result = try await Program.check("/usr/bin/python3", ["-c", program], input: lines)
    return result.text.split(separator: "\n").map { $0 == "1" }
  }
}
