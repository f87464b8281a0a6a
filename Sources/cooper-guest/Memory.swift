import SystemPackage

/// How the kernel meets a lack of memory.
enum Memory {
  /// Milliseconds for which what was just used stays in memory.
  private static let kept = 200

  /// Lets the kernel end the program that takes too much as soon as others would only read the same pages from disk again and again.
  ///
  /// Otherwise that can go on for minutes (Linux, `admin-guide/mm/multigen_lru`). Kernels before 6.1 do as they always did.
  static func endThrashing() {
    for (name, value) in [("enabled", "y"), ("min_ttl_ms", "\(kept)")] {
      guard let file = try? FileDescriptor.open("/sys/kernel/mm/lru_gen/\(name)", .writeOnly) else {
        continue
      }
      _ = try? file.writeAll(value.utf8)
      try? file.close()
    }
  }
}
