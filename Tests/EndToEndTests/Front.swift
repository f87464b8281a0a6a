import Foundation
import Synchronization
import TestSupport

/// Sends requests on to a registry, some of them late.
final class Front: Sendable {
  private let server: ScriptedServer
  var address: String { "127.0.0.1:\(server.port)" }

  /// `delay` gives how long a request waits; `count` tells how many for the same target came before.
  init(
    _ registry: RegistryServer,
    delay: @escaping @Sendable (_ request: RecordedRequest, _ count: Int) -> Duration
  ) throws {
    let counts = Mutex<[String: Int]>([:])
    let url = registry.url
    server = try ScriptedServer { request in
      let count = counts.withLock { counts in
        defer { counts[request.target, default: 0] += 1 }
        return counts[request.target, default: 0]
      }
      sleep(UInt32(delay(request, count).components.seconds))
      return Self.forward(request, to: url)
    }
  }

  func stop() { server.stop() }

  /// Has curl make the request, and gives its answer as it is.
  private static func forward(_ request: RecordedRequest, to url: String) -> ScriptedReply {
    let headers = ["Authorization", "Accept", "Range"].flatMap { name in
      request.header(name).map { ["-H", "\(name): \($0)"] } ?? []
    }
    let method = request.method == "HEAD" ? ["--head"] : ["-i"]
    let arguments = ["-s", "--raw"] + method + headers + [url + request.target]
    let done = DispatchSemaphore(value: 0)
    let answer = Answer()
    Task {
      let output = (try? await Program.check("curl", arguments).output) ?? []
      answer.bytes.withLock { $0 = output }
      done.signal()
    }
    // The thread is the connection's own and may wait.
    done.wait()
    return .raw(answer.bytes.withLock { $0 })
  }

  private final class Answer: Sendable {
    let bytes = Mutex<[UInt8]>([])
  }
}
