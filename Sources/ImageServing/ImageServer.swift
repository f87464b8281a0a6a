import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves images by HTTP until it is stopped.
public struct ImageServer: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel

  /// Starts listening; port 0 takes a free one.
  ///
  /// - Throws: `ListenError`.
  public static func start(_ images: ServedImages, host: String, port: Int) async throws -> ImageServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    do {
      let channel = try await ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(ConnectionHandler(images))
          }
        }
        .bind(host: host, port: port).get()
      return ImageServer(group: group, channel: channel)
    } catch {
      try? await group.shutdownGracefully()
      throw ListenError(address: "\(host):\(port)", reason: "\(error)")
    }
  }

  /// `HOST:PORT`, as it stands before the name of an image.
  public var address: String {
    let host = channel.localAddress?.ipAddress ?? "127.0.0.1"
    return "\(host.contains(":") ? "[\(host)]" : host):\(channel.localAddress?.port ?? 0)"
  }

  /// Closes everything.
  public func stop() async throws {
    try await channel.close()
    try await group.shutdownGracefully()
  }
}

/// A server could not be started.
public struct ListenError: Error, CustomStringConvertible {
  /// Where it should have listened.
  public let address: String
  /// What the system said.
  public let reason: String
  /// One line for people.
  public var description: String {
    "cannot listen on \(address): \(reason); choose another port, or 0 for a free one"
  }
}

/// One connection; the pipeline in front of it gives one request at a time.
private final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let images: ServedImages

  init(_ images: ServedImages) { self.images = images }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Bodies are of no interest.
    guard case .head(let head) = unwrapInboundIn(data) else { return }
    let answer = images.answer(
      method: head.method.rawValue, target: head.uri, range: head.headers.first(name: "Range"))
    let exchange = Exchange(
      channel: context.channel, version: head.version, isHead: head.method == .HEAD,
      keepsAlive: head.isKeepAlive && (head.method == .GET || head.method == .HEAD))
    Task { await exchange.send(answer) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
