import Glibc
public import SystemPackage

extension FilePath {
  /// A path of any bytes.
  public init(platformBytes bytes: [UInt8]) {
    self = (bytes + [0]).withUnsafeBytes {
      FilePath(platformString: $0.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped)
    }
  }

  /// The bytes of the path.
  public var platformBytes: [UInt8] {
    withPlatformString { text in Array(UnsafeRawBufferPointer(start: text, count: strlen(text))) }
  }
}
