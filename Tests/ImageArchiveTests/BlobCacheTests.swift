import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import SystemPackage
import TestSupport
import Testing

@Suite struct BlobCacheTests {
  private static let blob = pattern(3 * Spool.blockSize + 1000)
  private static let digest = Digest(of: blob)
  private static let name = "sha256-\(digest.hex)"

  private func cache(_ directory: TemporaryDirectory) throws -> BlobCache {
    try BlobCache(at: FilePath(directory.appending("cache/blobs")), fallback: FilePath(directory.path))
  }

  private func entry(_ cache: BlobCache) throws -> BlobCache.Entry {
    try cache.entry(for: Self.digest, byteCount: Int64(Self.blob.count))
  }

  /// Sends what is missing.
  private func fill(_ entry: BlobCache.Entry, upTo end: Int = blob.count) throws {
    var rest = Self.blob[Int(entry.spool.receivedByteCount)..<end]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(50_000))
      while !(try entry.spool.receive(piece.span.bytes)) { usleep(1000) }
      rest = rest.dropFirst(piece.count)
    }
  }

  private func complete(_ entry: BlobCache.Entry) throws {
    #expect(try entry.spool.digest() == Self.digest)
    entry.spool.complete()
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func `the directory is made, for its owner only`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    _ = try cache(directory)
    #expect(mode(directory.appending("cache")) == 0o700)
    #expect(mode(directory.appending("cache/blobs")) == 0o700)
    // Once more, where it is there.
    _ = try entry(cache(directory))
    #expect(mode(directory.appending("cache/blobs/\(Self.name)")) == 0o600)
  }

  @Test func `an interrupted blob goes on where it stopped, in whole blocks`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    do {
      let first = try entry(cache(directory))
      #expect(first.spool.receivedByteCount == 0)
      try fill(first, upTo: 2 * Spool.blockSize + 5)
      _ = try first.spool.digest()
    }
    let second = try entry(cache(directory))
    #expect(second.spool.receivedByteCount == Int64(2 * Spool.blockSize))
    try fill(second)
    try complete(second)
    try second.move(to: FilePath(directory.appending("out")))
    #expect(try directory.read("out") == Self.blob)
    #expect(try directory.names() == ["cache", "out"])
    #expect(try TemporaryDirectory.names(directory.appending("cache/blobs")) == [])
  }

  @Test func `two that want the same blob do not disturb each other`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let first = try entry(cache(directory))
    let second = try entry(cache(directory))
    #expect(first.path != nil)
    #expect(second.path == nil)
    try fill(second, upTo: 700_000)
    try fill(first)
    try fill(second)
    for (number, entry) in [first, second].enumerated() {
      try complete(entry)
      try entry.move(to: FilePath(directory.appending("out-\(number)")))
      #expect(try directory.read("out-\(number)") == Self.blob)
    }
    #expect(try TemporaryDirectory.names(directory.appending("cache/blobs")) == [])
  }

  /// Whoever opens the file while another one moves it away must not take that name for its own file.
  @Test func `many that want the same blob, one after another, all get it`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let failures = Tally()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          try? await Thread.run {
            for round in 0..<60 {
              let out = "out-\(task)-\(round)"
              do {
                let cache = try cache(directory)
                let bytes = Array(Self.blob.prefix(5000))
                let entry = try cache.entry(for: Digest(of: bytes), byteCount: 5000)
                if entry.spool.receivedByteCount == 0 { _ = try entry.spool.receive(bytes.span.bytes) }
                // Another one may be in the middle of it.
                if try entry.spool.digest() != Digest(of: bytes) {
                  try entry.spool.restart()
                  _ = try entry.spool.receive(bytes.span.bytes)
                  _ = try entry.spool.digest()
                }
                entry.spool.complete()
                if round % 3 == 0 {
                  entry.remove()
                } else {
                  try entry.move(to: FilePath(directory.appending(out)))
                  if try directory.read(out) != bytes { failures.add(1) }
                }
              } catch {
                Issue.record(error)
                failures.add(1)
              }
            }
          }
        }
      }
    }
    #expect(failures.value == 0)
  }

  @Test func `an entry whose name is another file by now is copied, and that file stays`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let first = try entry(cache(directory))
    try fill(first)
    try complete(first)
    // Somebody cleans the cache, and somebody else begins again.
    unlink(directory.appending("cache/blobs/\(Self.name)"))
    try directory.write("another beginning", to: "cache/blobs/\(Self.name)")
    try first.move(to: FilePath(directory.appending("out")))
    #expect(try directory.read("out") == Self.blob)
    #expect(try directory.read("cache/blobs/\(Self.name)") == Array("another beginning".utf8))
    first.remove()
    #expect(directory.contains("cache/blobs/\(Self.name)"))
  }

  @Test func `a blob that moves onto another file system is copied`() throws {
    let (directory, memory) = (try TemporaryDirectory(), try TemporaryDirectory(in: "/dev/shm"))
    defer {
      directory.remove()
      memory.remove()
    }
    let entry = try entry(cache(directory))
    try fill(entry)
    try complete(entry)
    try entry.move(to: FilePath(memory.appending("out")))
    #expect(try memory.read("out") == Self.blob)
    #expect(try memory.names() == ["out"])
    #expect(try TemporaryDirectory.names(directory.appending("cache/blobs")) == [])
  }

  @Test func `what is moved has the permissions of any new file`() async {
    await #expect(processExitsWith: .success) {
      umask(0o077)
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let cache = try BlobCache(
        at: FilePath(directory.appending("cache")), fallback: FilePath(directory.path))
      for (number, cache) in [cache, .nameless(in: FilePath(directory.path))].enumerated() {
        let entry = try cache.entry(for: Digest(of: [1]), byteCount: 1)
        _ = try entry.spool.receive([1].span.bytes)
        _ = try entry.spool.digest()
        entry.spool.complete()
        let path = directory.appending("out-\(number)")
        try entry.move(to: FilePath(path))
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o777 == 0o600 else { exit(1) }
      }
      exit(0)
    }
  }

  @Test func `files that nobody touched for two weeks are removed, and nothing else`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let old = [
      "sha256-\(String(repeating: "0", count: 64))", "sha512-\(String(repeating: "1", count: 128))",
      ".blob.cooper-123-456",
    ]
    let young = ["sha256-\(String(repeating: "2", count: 64))"]
    let others = ["a-file-of-mine", "notes", "sha256-short", "x-sha256-\(String(repeating: "0", count: 64))"]
    let now = time(nil)
    for (names, age) in [(old, 15), (young, 13), (others, 400)] {
      for name in names {
        let path = try directory.write("x", to: "cache/blobs/\(name)")
        var times = [
          timeval(tv_sec: now - age * 86_400, tv_usec: 0), timeval(tv_sec: now - age * 86_400, tv_usec: 0),
        ]
        #expect(utimes(path, &times) == 0)
      }
    }
    mkdir(directory.appending("cache/blobs/sha256-\(String(repeating: "3", count: 64))"), 0o700)
    _ = try cache(directory)
    #expect(
      Set(try TemporaryDirectory.names(directory.appending("cache/blobs")))
        == Set(young + others + ["sha256-\(String(repeating: "3", count: 64))"]))
  }

  @Test func `an old file that somebody is using stays`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(Self.blob, to: "cache/blobs/\(Self.name)")
    var times = [timeval(tv_sec: 1_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000, tv_usec: 0)]
    // Opening the cache removes it; so it is made old afterwards.
    let entry = try entry(cache(directory))
    #expect(utimes(path, &times) == 0)
    _ = try cache(directory)
    #expect(directory.contains("cache/blobs/\(Self.name)"))
    withExtendedLifetime(entry) {}
  }

  @Test func `a link in place of the file is not followed, and the blob goes into a file without a name`()
    throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let target = try directory.write("target", to: "target")
    let cache = try cache(directory)
    #expect(symlink(target, directory.appending("cache/blobs/\(Self.name)")) == 0)
    let entry = try entry(cache)
    #expect(entry.path == nil)
    try fill(entry)
    try complete(entry)
    entry.remove()
    #expect(try directory.read("target") == Array("target".utf8))
    #expect(try TemporaryDirectory.names(directory.appending("cache/blobs")) == [Self.name])
  }

  @Test func `a file in place of the directory leaves the other place`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try directory.write("x", to: "cache/blobs")
    let entry = try entry(cache(directory))
    #expect(entry.path == nil)
    try fill(entry)
    try complete(entry)
    #expect(try directory.names() == ["cache"])
    try directory.write("x", to: "cache/file")
    #expect(throws: FileError.self) {
      try BlobCache(at: FilePath(directory.appending("cache/file/below")), fallback: FilePath(directory.path))
    }
  }

  @Test func `a nameless cache keeps nothing`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let cache = BlobCache.nameless(in: FilePath(directory.path))
    let entry = try cache.entry(for: Self.digest, byteCount: nil)
    try fill(entry)
    try complete(entry)
    #expect(entry.path == nil)
    #expect(try directory.names() == [])
    try entry.move(to: FilePath(directory.appending("out")))
    #expect(try directory.read("out") == Self.blob)
    #expect(try directory.names() == ["out"])
  }
}

extension TemporaryDirectory {
  /// The names in any directory, sorted.
  static func names(_ path: String) throws -> [String] {
    guard let listing = opendir(path) else { throw FileError("read", path, Errno(rawValue: errno)) }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      names.append(
        withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }
}
