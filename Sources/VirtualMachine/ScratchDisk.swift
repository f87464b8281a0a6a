import Glibc
import SystemPackage
enum ScratchDisk {
  static func create(_ path: FilePath, mebibytes: Int) throws {
    system(
      "truncate -s \(mebibytes)M '\(path.string)' && mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -E lazy_itable_init=1,nodiscard -m 0 '\(path.string)'"
    )
  }
}
