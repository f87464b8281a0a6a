import CCurl
import Glibc

extension Transfer {
  /// Connects libcurl's callbacks.
  ///
  /// The contexts are valid because the loop keeps a transfer until its handle is out of use.
  func installCallbacks() throws(TransportError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    try easy.set(.headerContext, context)
    try easy.set(.headerFunction) { bytes, size, count, context in
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return Transfer.at(context)?.takeHeader(line) == true ? line.count : 0
    }
    try easy.set(.writeContext, context)
    try easy.set(.writeFunction) { bytes, size, count, context in
      Transfer.at(context)?.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
    try easy.set(.socketContext, context)
    try easy.check(
      curl_set_socket_function(easy.library.functions, easy.raw) { context, _, address in
        Transfer.at(context)?.openSocket(address) ?? -1
      }, CURLOPT_OPENSOCKETFUNCTION)
    try easy.set(.prerequestContext, context)
    try easy.check(
      curl_set_prerequest_function(easy.library.functions, easy.raw) { context, address, _, _, _ in
        Transfer.at(context)?.mayUseConnection(to: address) == true
          ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
      }, CURLOPT_PREREQFUNCTION)
  }

  /// Connects the callbacks that deliver the request's body, also a second time when a reused connection
  /// turns out dead.
  func installBodyCallbacks() throws(TransportError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    try easy.set(.readContext, context)
    try easy.set(.readFunction) { bytes, size, count, context in
      Transfer.at(context)?.giveBody(UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
    try easy.set(.seekContext, context)
    try easy.check(
      curl_set_seek_function(easy.library.functions, easy.raw) { context, offset, origin in
        guard let transfer = Transfer.at(context), origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
        return transfer.seekBody(Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
      }, CURLOPT_SEEKFUNCTION)
  }

  private static func at(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  /// A socket that child processes do not inherit, or -1 (CURL_SOCKET_BAD) when the rule forbids the address.
  private func openSocket(_ wanted: UnsafeMutablePointer<curl_sockaddr>?) -> CInt {
    // The address is longer than the field: the pointer must reach over its end.
    guard let wanted, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return -1 }
    let address = (UnsafeRawPointer(wanted) + offset).assumingMemoryBound(to: sockaddr.self)
    let known = IPAddress(address, family: wanted.pointee.family)
    guard allows(known, shownAs: Self.text(address, wanted.pointee.addrlen)) else { return -1 }
    return socket(
      wanted.pointee.family, wanted.pointee.socktype | CInt(SOCK_CLOEXEC.rawValue), wanted.pointee.protocol)
  }

  /// Asked for every request, so a connection that an unrestricted request opened is checked, too.
  private func mayUseConnection(to address: UnsafePointer<CChar>?) -> Bool {
    let text = address.map { String(cString: $0) } ?? ""
    let address = IPAddress(host: text)
    isPeerPrivate = address?.isPublic == false
    return allows(address, shownAs: text)
  }

  private static func text(_ address: UnsafePointer<sockaddr>, _ length: UInt32) -> String {
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = getnameinfo(address, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
    return code == 0
      ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : "?"
  }
}
