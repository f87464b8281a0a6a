/// Where the bytes of one blob come from while they are sent to a registry.
///
/// The registry client calls it from one thread at a time, the transport's, so it must not wait for anything but a
/// disk. It is begun anew as often as the registry or the network make it necessary. Whoever makes a source sees to
/// it that its bytes are right: the registry checks the digest only when it has everything.
public protocol BlobUploadSource: AnyObject, Sendable {
  /// Goes to the byte at `offset`, at most the blob's length.
  ///
  /// Called before the first byte of each attempt. `resume` tells that there are bytes again after `read` returned
  /// nil; it may be called from any thread and at any time, and only that of the last call is of use.
  func begin(at offset: Int64, resume: @escaping @Sendable () -> Void) throws

  /// Writes the next bytes to the beginning of `buffer`, which is not empty, and returns how many they are: 0 at the
  /// end of the blob, nil when there are none yet.
  ///
  /// - Throws: Anything; the upload ends with that error.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int?
}
