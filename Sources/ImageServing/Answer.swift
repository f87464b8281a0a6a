import OCIModel
import OrderedJSON

/// What is sent back: everything but the connection.
struct Answer: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    /// A part of a blob.
    case blob(ServedImages.Blob, Range<Int64>)

    var byteCount: Int64 {
      switch self {
      case .bytes(let bytes): Int64(bytes.count)
      case .blob(_, let range): range.upperBound - range.lowerBound
      }
    }
  }

  var status = 200
  var fields: [(name: String, value: String)] = []
  var body = Body.bytes([])

  /// JSON made for this answer.
  init(_ json: JSONObject, type: String = "application/json", status: Int = 200) {
    self.status = status
    fields = [("Content-Type", type)]
    body = .bytes(JSONValue.object(json).serialized())
  }

  /// A body with its type.
  init(_ body: Body, type: String) {
    fields = [("Content-Type", type)]
    self.body = body
  }

  /// An error of the protocol (distribution-spec, "Error Codes").
  static func error(_ status: Int, _ code: String, _ message: String) -> Answer {
    Answer(
      ["errors": .array([["code": .string(code), "message": .string(message)]])], status: status)
  }
}
