import Synchronization
import TestSupport

/// A registry for one upload, which breaks the connection in its middle and keeps what came.
///
/// Debian's docker-registry does not: it forgets an upload of which the client does not know the length.
final class KeepingRegistry: Sendable {
  let server: ScriptedServer
  private let state: Holder

  private final class Holder: Sendable {
    let kept = Mutex<[UInt8]>([])
  }

  /// What came after how many bytes the connection breaks.
  private static let limit = 3_000_000

  var address: String { "127.0.0.1:\(server.port)" }
  var bytes: [UInt8] { state.kept.withLock { $0 } }

  init() throws {
    let holder = Holder()
    state = holder
    server = try ScriptedServer(reading: { request in
      request.method == "PUT" && holder.kept.withLock(\.isEmpty) ? Self.limit : nil
    }) { request in
      let count = holder.kept.withLock { kept in
        kept += request.body
        return kept.count
      }
      let place = "/v2/u?count=\(count)"
      switch request.method {
      case "POST": return .status(202, [], ["Location": place])
      case "PUT" where request.body.count == Self.limit: return .raw("").reset(after: 0)
      case "PUT": return .status(201)
      case "GET": return .status(204, [], ["Location": place, "Range": "0-\(count - 1)"])
      case "PATCH":
        let isNext = request.header("content-range")?.hasPrefix("\(count - request.body.count)-") == true
        return isNext
          ? .status(202, [], ["Location": place, "Range": "0-\(count - 1)"]) : .status(416)
      default: return .status(404)
      }
    }
  }
}
