import Glibc
import SystemPackage

/// Files with parts that are not stored.
extension OpenFile {
  /// `SEEK_DATA`, which is behind a macro that Swift does not set.
  private static let seekData: Int32 = 3

  /// Goes over a hole where the next byte would be read, and gives its length in bytes, at most `limit` and a multiple of `unit`; 0 for none.
  public func skipHole(limit: Int64, unit: Int) throws(FileError) -> Int64 {
    let place = lseek(descriptor, 0, SEEK_CUR)
    guard place >= 0 else { return 0 }
    let data = lseek(descriptor, place, Self.seekData)
    // Behind the last data there is only a hole. A file system that does not know has none.
    let end = data >= 0 ? Int64(data) : errno == ENXIO ? Int64(place) + limit : Int64(place)
    let skipped = min(limit, end - Int64(place)) / Int64(unit) * Int64(unit)
    guard lseek(descriptor, place + off_t(skipped), SEEK_SET) >= 0 else {
      throw FileError("read", path, Errno(rawValue: errno))
    }
    return skipped
  }
}
