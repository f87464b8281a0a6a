import CCurl

extension Transfer {
  /// Tells libcurl everything about the request.
  func configure(_ authorities: AuthorityStore) throws(TransportError) {
    try installCallbacks()
    try configureConnection()
    try configureProxy(authorities)
    if job.request.url.scheme == "https" { try configureTLS(authorities) }
    try configureMethod()
    try easy.set(.headers, headerLines())
  }

  private func configureConnection() throws(TransportError) {
    let patience = job.request.patience
    try easy.set(.url, job.request.url.description)
    try easy.set(.keepsPathAsIs, true)
    try easy.set(.refusesUserInURL, true)
    try easy.set(.protocols, "http,https")
    try easy.set(.httpVersion, CURL_HTTP_VERSION_2TLS)
    // Without TLS there is no HTTP/2 to wait for.
    try easy.set(.waitsForMultiplexing, job.request.url.scheme == "https")
    try easy.set(.noSignal, true)
    try easy.set(.keepsAlive, true)
    try easy.set(.bufferSize, 512 * 1024)
    try easy.set(.connectSeconds, patience.connectSeconds)
    if patience.stallSeconds > 0 {
      try easy.set(.stallBytesPerSecond, patience.stallBytesPerSecond)
      try easy.set(.stallSeconds, stallSeconds)
    }
  }

  /// Empty texts keep libcurl from reading the environment itself.
  private func configureProxy(_ authorities: AuthorityStore) throws(TransportError) {
    try easy.set(.proxy, job.proxy ?? "")
    try easy.set(.noProxy, "")
    guard let proxy = job.proxy else { return }
    try easy.set(.hidesConnectHeaders, true)
    try easy.set(.headerPlaces, Int(CURLHEADER_SEPARATE))
    guard proxy.lowercased().hasPrefix("https:") else { return }
    try easy.set(.proxyTLSVersion, Self.oldestTLS)
    switch try authorities.place(for: job.request.tls, systemFile: systemAuthorityFile) {
    case .file(let path): try easy.set(.proxyAuthorityFile, path)
    case .memory(let bytes): try easy.set(.proxyAuthorities, bytes)
    case .builtIn: break
    }
  }

  private static let oldestTLS = Int(CURL_SSLVERSION_TLSv1_2)

  private func configureTLS(_ authorities: AuthorityStore) throws(TransportError) {
    let policy = job.request.tls
    try easy.set(.tlsVersion, Self.oldestTLS)
    try easy.set(.checksCertificate, policy.verifies)
    try easy.set(.checksName, policy.verifies ? 2 : 0)
    if let certificate = policy.clientCertificate {
      try easy.set(.clientCertificateFile, certificate.certificateFile)
      try easy.set(.clientKeyFile, certificate.keyFile)
    }
    guard policy.verifies else { return }
    switch try authorities.place(for: policy, systemFile: systemAuthorityFile) {
    case .file(let path): try easy.set(.authorityFile, path)
    case .memory(let bytes): try easy.set(.authorities, bytes)
    case .builtIn: if policy.authorityDirectory == nil { return }
    }
    // Without a directory libcurl keeps the parsed bundle from one connection to the next.
    try easy.set(.authorityDirectory, policy.authorityDirectory)
  }

  /// The bundle that libcurl was built for.
  private var systemAuthorityFile: String? {
    easy.pointer(CURLINFO_CAINFO).map { String(cString: $0.assumingMemoryBound(to: CChar.self)) }
  }

  private func configureMethod() throws(TransportError) {
    let method = job.request.method
    switch method {
    case .get: try easy.set(.get, true)
    case .head: try easy.set(.noBody, true)
    case .delete: try easy.set(.method, method.rawValue)
    case .post, .put, .patch:
      try easy.set(.upload, true)
      try easy.set(.method, method.rawValue)
      try easy.set(.uploadByteCount, bodyByteCount ?? -1)
      let buffer = min(
        max(bodyByteCount ?? .max, Self.uploadBufferSizes.lowerBound), Self.uploadBufferSizes.upperBound)
      try easy.set(.uploadBufferSize, Int(buffer))
      try installBodyCallbacks()
    }
  }

  /// The last is the most that libcurl allows.
  private static let uploadBufferSizes: ClosedRange<Int64> = 64 << 10...2 << 20

  /// Bodies up to this are not worth asking the server first whether it wants them.
  private static let expectByteCount: Int64 = 1 << 20

  /// Nil when there is a body of unknown length.
  private var bodyByteCount: Int64? { body.map(\.source.byteCount) ?? 0 }

  /// The caller's fields, and empty ones that keep libcurl from adding its own.
  private func headerLines() throws(TransportError) -> [String] {
    let headers = job.request.headers
    var lines: [String] = []
    for (name, value) in headers.fields {
      guard Self.isFieldName(name), !value.utf8.contains(where: { [0, 0x0A, 0x0D].contains($0) }) else {
        let shown = String(name.filter { $0.isASCII && !$0.isNewline }.prefix(40))
        let code = Int(CURLE_BAD_FUNCTION_ARGUMENT.rawValue)
        throw .other(
          code: code, reason: "the header field “\(shown)” has characters that HTTP does not allow")
      }
      lines.append(value.isEmpty ? name + ";" : name + ": " + value)
    }
    if headers.first("accept") == nil { lines.append("Accept:") }
    if let count = bodyByteCount, count <= Self.expectByteCount { lines.append("Expect:") }
    return lines
  }

  /// A token of RFC 9110, section 5.6.2.
  private static func isFieldName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
  }
}
