import CCurl

/// One libcurl transfer handle with the memory that it points to.
///
/// It must have left its multi handle before it is freed.
final class EasyHandle {
  let raw: UnsafeMutableRawPointer
  let library: CurlLibrary
  private let errorText: UnsafeMutablePointer<CChar>
  private var lists: [UnsafeMutablePointer<curl_slist>] = []

  init(_ library: CurlLibrary) throws(TransportError) {
    guard let raw = library.functions.pointee.easy_init() else {
      throw .other(code: Int(CURLE_OUT_OF_MEMORY.rawValue), reason: library.text(for: CURLE_OUT_OF_MEMORY))
    }
    self.raw = raw
    self.library = library
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    _ = curl_set_pointer(library.functions, raw, CURLOPT_ERRORBUFFER, errorText)
  }

  deinit {
    library.functions.pointee.easy_cleanup(raw)
    for list in lists { library.functions.pointee.slist_free_all(list) }
    errorText.deallocate()
  }

  /// What libcurl wrote about the failure, or its words for `code`.
  func failureText(_ code: CURLcode) -> String {
    let text = String(cString: errorText)
    return text.isEmpty ? library.text(for: code) : text
  }

  func set(_ option: Option<Int>, _ value: Int) throws(TransportError) {
    try check(curl_set_long(library.functions, raw, option.raw, value), option.raw)
  }

  func set(_ option: Option<Bool>, _ value: Bool) throws(TransportError) {
    try check(curl_set_long(library.functions, raw, option.raw, value ? 1 : 0), option.raw)
  }

  func set(_ option: Option<Int64>, _ value: Int64) throws(TransportError) {
    try check(curl_set_offset(library.functions, raw, option.raw, curl_off_t(value)), option.raw)
  }

  /// Nil takes away libcurl's default.
  func set(_ option: Option<String>, _ value: String?) throws(TransportError) {
    let code =
      if let value { value.withCString { curl_set_pointer(library.functions, raw, option.raw, $0) } } else {
        curl_set_pointer(library.functions, raw, option.raw, nil)
      }
    try check(code, option.raw)
  }

  func set(_ option: Option<UnsafeMutableRawPointer>, _ value: UnsafeMutableRawPointer) throws(TransportError)
  {
    try check(curl_set_pointer(library.functions, raw, option.raw, value), option.raw)
  }

  /// The lines are copied and live as long as the handle.
  func set(_ option: Option<[String]>, _ lines: [String]) throws(TransportError) {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
      let longer = line.withCString { library.functions.pointee.slist_append(list, $0) }
      guard let longer else {
        library.functions.pointee.slist_free_all(list)
        throw .other(code: Int(CURLE_OUT_OF_MEMORY.rawValue), reason: library.text(for: CURLE_OUT_OF_MEMORY))
      }
      list = longer
    }
    guard let list else { return }
    lists.append(list)
    try check(curl_set_pointer(library.functions, raw, option.raw, list), option.raw)
  }

  /// The bytes are not copied: they must live longer than the handle.
  func set(
    _ option: Option<UnsafeMutableRawBufferPointer>, _ bytes: UnsafeMutableRawBufferPointer
  ) throws(TransportError) {
    try check(
      curl_set_blob(library.functions, raw, option.raw, bytes.baseAddress, bytes.count), option.raw)
  }

  func set(_ option: Option<DataFunction>, _ function: DataFunction) throws(TransportError) {
    try check(curl_set_data_function(library.functions, raw, option.raw, function), option.raw)
  }

  func check(_ code: CURLcode, _ option: CURLoption) throws(TransportError) {
    guard code != CURLE_OK else { return }
    throw .other(code: Int(code.rawValue), reason: "option \(option.rawValue): " + library.text(for: code))
  }

  /// A number that libcurl noted, 0 where there is none.
  func number(_ info: CURLINFO) -> Int {
    var value = 0
    return curl_get_long(library.functions, raw, info, &value) == CURLE_OK ? value : 0
  }

  /// A number of microseconds or bytes that libcurl noted, 0 where there is none.
  func offset(_ info: CURLINFO) -> Int64 {
    var value: curl_off_t = 0
    return curl_get_offset(library.functions, raw, info, &value) == CURLE_OK ? Int64(value) : 0
  }

  func pointer(_ info: CURLINFO) -> UnsafeMutableRawPointer? {
    var value: UnsafeMutableRawPointer?
    return curl_get_pointer(library.functions, raw, info, &value) == CURLE_OK ? value : nil
  }
}
