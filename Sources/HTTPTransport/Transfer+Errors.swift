import CCurl

extension Transfer {
  /// libcurl's code in our terms.
  func error(for code: CURLcode) -> TransportError {
    let host = job.request.url.host
    let reason = Self.withoutQuery(easy.failureText(code))
    // A name may have public addresses as well; when those do not answer, that is the news.
    let wasForbidden =
      code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_COULDNT_CONNECT && !triedAllowedAddress
    if let forbiddenAddress, wasForbidden { return .forbiddenAddress(host: host, address: forbiddenAddress) }
    switch code {
    case CURLE_URL_MALFORMAT: return .badURL(HTTPURL.shortened(job.request.url.description) + ": " + reason)
    case CURLE_COULDNT_RESOLVE_HOST: return .hostNotFound(host: host)
    case CURLE_COULDNT_RESOLVE_PROXY:
      return .couldNotConnect(host: host, reason: "the proxy's name has no address")
    case CURLE_COULDNT_CONNECT, CURLE_PROXY: return .couldNotConnect(host: host, reason: reason)
    case CURLE_OPERATION_TIMEDOUT: return timeout(host, reason)
    case CURLE_RECV_ERROR where proxyRefused:
      return .other(
        code: Int(code.rawValue), reason: "the proxy does not let us through to \(host): " + reason)
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_HTTP2,
      CURLE_HTTP2_STREAM:
      return .connectionLost(host: host, reason: reason)
    // More bytes than the response before had announced look like one without a head.
    case CURLE_UNSUPPORTED_PROTOCOL where reason.contains("HTTP/0.9"):
      return .connectionLost(host: host, reason: reason)
    case CURLE_SSL_CONNECT_ERROR where Self.isLostConnection(reason):
      return .couldNotConnect(host: host, reason: reason)
    case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE:
      return unusableFile(code, reason)
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
      return .tls(host: host, reason: reason)
    default: return .other(code: Int(code.rawValue), reason: reason)
    }
  }

  /// Whether the request was on its way.
  private var wasConnected: Bool { easy.offset(CURLINFO_PRETRANSFER_TIME_T) > 0 }

  private func timeout(_ host: String, _ reason: String) -> TransportError {
    wasConnected
      ? .stalled(host: host, seconds: stallSeconds) : .couldNotConnect(host: host, reason: reason)
  }

  /// Whether a proxy answered, and will answer the same the next time.
  private var proxyRefused: Bool { (400..<500).contains(easy.number(CURLINFO_HTTP_CONNECTCODE)) }

  /// A connection that broke during the handshake says nothing about certificates.
  private static func isLostConnection(_ reason: String) -> Bool {
    reason.contains("SSL_ERROR_SYSCALL") || reason.contains("Connection reset by peer")
  }

  private func unusableFile(_ code: CURLcode, _ reason: String) -> TransportError {
    let policy = job.request.tls
    let files =
      if code == CURLE_SSL_CERTPROBLEM, let pair = policy.clientCertificate {
        [pair.certificateFile, pair.keyFile]
      } else {
        [policy.authorityFile].compactMap(\.self) + policy.additionalAuthorityFiles
      }
    let named =
      files.isEmpty
      ? "the system's certificate authorities" : "the certificate file " + files.joined(separator: " or ")
    return .unusableFile(named + ": " + reason)
  }

  /// A query may hold a signature or a token.
  private static func withoutQuery(_ text: String) -> String {
    text.split(separator: " ").map { word in
      word.firstIndex(of: "?").map { word[..<$0] } ?? word
    }.joined(separator: " ")
  }
}
