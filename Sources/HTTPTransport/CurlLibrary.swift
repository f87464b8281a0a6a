import CCurl

/// libcurl, loaded when it is first needed and then kept.
///
/// Unchecked, because it holds a pointer to C functions: the table is complete before anybody sees it, and
/// never changes.
struct CurlLibrary: @unchecked Sendable {
  let functions: UnsafePointer<curl_functions>

  /// The one copy of this process, or why there is none.
  static let shared: Result<CurlLibrary, TransportError> = Result { () throws(TransportError) in try load() }

  /// 7.85 is the first that has all options used here.
  private static let oldestVersion: UInt32 = 0x07_55_00

  private static func load() throws(TransportError) -> CurlLibrary {
    let table = UnsafeMutablePointer<curl_functions>.allocate(capacity: 1)
    if let reason = curl_functions_load(table) { throw .libraryMissing(String(cString: reason)) }
    let version = curl_functions_version(table)
    guard version >= oldestVersion else {
      throw .libraryMissing("version \(version >> 16).\(version >> 8 & 0xFF).\(version & 0xFF) is too old")
    }
    let code = table.pointee.global_init(Int(CURL_GLOBAL_DEFAULT))
    guard code == CURLE_OK else {
      throw .libraryMissing("it does not start: " + String(cString: table.pointee.easy_strerror(code)))
    }
    return CurlLibrary(functions: UnsafePointer(table))
  }

  /// libcurl's own words for a code.
  func text(for code: CURLcode) -> String { String(cString: functions.pointee.easy_strerror(code)) }
}
