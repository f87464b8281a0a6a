import CCurl

/// Takes a header line or a piece of body, or fills a buffer: bytes, size of one, number, context.
typealias DataFunction =
  @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int

/// An option of libcurl with the type of its value.
struct Option<Value> {
  let raw: CURLoption
}

extension Option where Value == Int {
  static var bufferSize: Self { Self(raw: CURLOPT_BUFFERSIZE) }
  static var uploadBufferSize: Self { Self(raw: CURLOPT_UPLOAD_BUFFERSIZE) }
  static var connectSeconds: Self { Self(raw: CURLOPT_CONNECTTIMEOUT) }
  static var stallBytesPerSecond: Self { Self(raw: CURLOPT_LOW_SPEED_LIMIT) }
  static var stallSeconds: Self { Self(raw: CURLOPT_LOW_SPEED_TIME) }
  static var httpVersion: Self { Self(raw: CURLOPT_HTTP_VERSION) }
  static var tlsVersion: Self { Self(raw: CURLOPT_SSLVERSION) }
  static var proxyTLSVersion: Self { Self(raw: CURLOPT_PROXY_SSLVERSION) }
  /// 2 compares the name, 0 does not.
  static var checksName: Self { Self(raw: CURLOPT_SSL_VERIFYHOST) }
  static var headerPlaces: Self { Self(raw: CURLOPT_HEADEROPT) }
}

extension Option where Value == Bool {
  static var noSignal: Self { Self(raw: CURLOPT_NOSIGNAL) }
  static var keepsAlive: Self { Self(raw: CURLOPT_TCP_KEEPALIVE) }
  static var waitsForMultiplexing: Self { Self(raw: CURLOPT_PIPEWAIT) }
  static var keepsPathAsIs: Self { Self(raw: CURLOPT_PATH_AS_IS) }
  static var refusesUserInURL: Self { Self(raw: CURLOPT_DISALLOW_USERNAME_IN_URL) }
  static var hidesConnectHeaders: Self { Self(raw: CURLOPT_SUPPRESS_CONNECT_HEADERS) }
  static var get: Self { Self(raw: CURLOPT_HTTPGET) }
  static var noBody: Self { Self(raw: CURLOPT_NOBODY) }
  static var upload: Self { Self(raw: CURLOPT_UPLOAD) }
  static var checksCertificate: Self { Self(raw: CURLOPT_SSL_VERIFYPEER) }
}

extension Option where Value == Int64 {
  static var uploadByteCount: Self { Self(raw: CURLOPT_INFILESIZE_LARGE) }
}

extension Option where Value == String {
  static var url: Self { Self(raw: CURLOPT_URL) }
  static var protocols: Self { Self(raw: CURLOPT_PROTOCOLS_STR) }
  static var method: Self { Self(raw: CURLOPT_CUSTOMREQUEST) }
  static var proxy: Self { Self(raw: CURLOPT_PROXY) }
  static var noProxy: Self { Self(raw: CURLOPT_NOPROXY) }
  static var authorityFile: Self { Self(raw: CURLOPT_CAINFO) }
  static var authorityDirectory: Self { Self(raw: CURLOPT_CAPATH) }
  static var proxyAuthorityFile: Self { Self(raw: CURLOPT_PROXY_CAINFO) }
  static var clientCertificateFile: Self { Self(raw: CURLOPT_SSLCERT) }
  static var clientKeyFile: Self { Self(raw: CURLOPT_SSLKEY) }
}

extension Option where Value == [String] {
  static var headers: Self { Self(raw: CURLOPT_HTTPHEADER) }
}

extension Option where Value == UnsafeMutableRawBufferPointer {
  static var authorities: Self { Self(raw: CURLOPT_CAINFO_BLOB) }
  static var proxyAuthorities: Self { Self(raw: CURLOPT_PROXY_CAINFO_BLOB) }
}

extension Option where Value == UnsafeMutableRawPointer {
  static var identity: Self { Self(raw: CURLOPT_PRIVATE) }
  static var headerContext: Self { Self(raw: CURLOPT_HEADERDATA) }
  static var writeContext: Self { Self(raw: CURLOPT_WRITEDATA) }
  static var readContext: Self { Self(raw: CURLOPT_READDATA) }
  static var seekContext: Self { Self(raw: CURLOPT_SEEKDATA) }
  static var socketContext: Self { Self(raw: CURLOPT_OPENSOCKETDATA) }
  static var prerequestContext: Self { Self(raw: CURLOPT_PREREQDATA) }
}

extension Option where Value == DataFunction {
  static var headerFunction: Self { Self(raw: CURLOPT_HEADERFUNCTION) }
  static var writeFunction: Self { Self(raw: CURLOPT_WRITEFUNCTION) }
  static var readFunction: Self { Self(raw: CURLOPT_READFUNCTION) }
}
