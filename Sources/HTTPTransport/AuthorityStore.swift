import Glibc

/// The certificates that TLS policies name, read once.
///
/// Belongs to the loop's thread.
///
/// A file that changes while the process runs is not read again.
final class AuthorityStore {
  /// Where a policy's authorities are.
  enum Place {
    case file(String)
    /// PEM text that lives as long as the store.
    case memory(UnsafeMutableRawBufferPointer)
    /// Nowhere that is known: libcurl's own default is all there is.
    case builtIn
  }

  private struct Key: Hashable {
    let base: String?
    let additional: [String]
  }

  private var joined: [Key: UnsafeMutableRawBufferPointer] = [:]

  deinit { for buffer in joined.values { buffer.deallocate() } }

  /// The authorities of `policy`; `systemFile` is the bundle that libcurl was built for.
  func place(for policy: TLSPolicy, systemFile: String?) throws(TransportError) -> Place {
    let readable = systemFile.flatMap { access($0, R_OK) == 0 ? $0 : nil }
    let base = policy.authorityFile ?? readable
    guard !policy.additionalAuthorityFiles.isEmpty else { return base.map(Place.file) ?? .builtIn }
    let key = Key(base: base, additional: policy.additionalAuthorityFiles)
    if let known = joined[key] { return .memory(known) }
    var text: [UInt8] = []
    for path in [base].compactMap(\.self) + policy.additionalAuthorityFiles {
      text += try Self.certificates(at: path)
      text.append(UInt8(ascii: "\n"))
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
    buffer.copyBytes(from: text)
    joined[key] = buffer
    return .memory(buffer)
  }

  /// The text of a PEM file.
  ///
  /// libcurl would take a file without any certificate in silence, as long as another has some.
  private static func certificates(at path: String) throws(TransportError) -> [UInt8] {
    guard let file = fopen(path, "re") else {
      throw .unusableFile("the certificate file \(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
    guard ferror(file) == 0 else {
      throw .unusableFile("the certificate file \(path): \(String(cString: strerror(errno)))")
    }
    guard String(decoding: text, as: UTF8.self).contains("CERTIFICATE-----") else {
      throw .unusableFile("the certificate file \(path): there is no PEM certificate in it")
    }
    return text
  }
}
