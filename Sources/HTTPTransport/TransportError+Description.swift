extension TransportError: CustomStringConvertible {
  /// One line for people, without query strings and credentials.
  public var description: String {
    switch self {
    case .badURL(let text): "bad URL \(text)"
    case .hostNotFound(let host):
      "cannot find the host \(host): the name has no address; check its spelling and the network"
    case .couldNotConnect(let host, let reason): "cannot connect to \(host): \(reason)"
    case .tls(let host, let reason):
      "no secure connection to \(host): \(reason); if its authority is a private one, give its certificate"
    case .forbiddenAddress(let host, let address):
      "refused to connect to \(host): \(address) is not a public address, which only the registry itself may have"
    case .connectionLost(let host, let reason): "lost the connection to \(host): \(reason)"
    case .stalled(let host, let seconds): "gave up on \(host): next to nothing arrived for \(seconds) s"
    case .bodyTooLarge(let limit): "refused a response of more than \(limit) bytes"
    case .unusableFile(let text): "cannot use \(text)"
    case .libraryMissing(let reason):
      "cannot load libcurl: \(reason); install libcurl 7.85 or newer (libcurl4 on Debian)"
    case .other(let code, let reason): "the transfer failed: \(reason) (curl error \(code))"
    }
  }
}
