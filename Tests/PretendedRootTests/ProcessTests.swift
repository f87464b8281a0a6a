import Glibc
import PretendedRoot
import TestSupport
import Testing

/// Programs under a tracer run as they do without one.
@Suite struct ProcessTests {
  private func run(
    _ script: String, hasNamespaces: Bool = true, seesEveryCall: Bool = false
  ) async throws -> PretendedScript.Result {
    let place = try PretendedScript()
    defer { place.directory.remove() }
    return try await place.run(script, hasNamespaces: hasNamespaces, seesEveryCall: seesEveryCall)
  }

  @Test(arguments: [true, false]) func `a program's end is told`(hasNamespaces: Bool) async throws {
    #expect(try await run("exit 7", hasNamespaces: hasNamespaces).outcome == .exited(7))
    #expect(try await run("kill -TERM $$", hasNamespaces: hasNamespaces).outcome == .signaled(SIGTERM))
    let missing = try await run("exec /nothing/there", hasNamespaces: hasNamespaces)
    #expect(missing.outcome == .exited(127), "\(missing.text)")
  }

  /// Threads that change owners at the same time, children of vfork, and a thread that becomes another program.
  @Test(arguments: [true, false]) func `threads, many processes and vfork`(seesEveryCall: Bool) async throws {
    let result = try await run(
      """
      cat >work.py <<'END'
      import os, subprocess, threading, sys
      def work(i):
          for j in range(50):
              name = f"{i}-{j}"
              open(name, "w").close(); os.chown(name, i, j); s = os.stat(name)
              assert (s.st_uid, s.st_gid) == (i, j)
      threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 9)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(sum(os.stat(n).st_uid > 0 for n in os.listdir(".") if "-" in n))
      procs = [subprocess.Popen(["sh", "-c", f"touch p{i}; chown {i} p{i}; exit {i}"]) for i in range(40)]
      print(sum(p.wait() == i for i, p in enumerate(procs)), sum(os.stat(f"p{i}").st_uid == i for i in range(40)))
      sys.stdout.flush()
      threading.Thread(target=lambda: os.execvp("stat", ["stat", "-c", "%u", "8-3"])).start()
      threading.Event().wait()
      END
      python3 work.py; (sleep 0.1; echo late) & wait; for i in $(seq 200); do /bin/true; done; echo end
      """, seesEveryCall: seesEveryCall)
    #expect(result.text == "400\n40 40\n8\nlate\nend\n")
    #expect(result.outcome == .exited(0))
  }

  /// Signals arrive between the calls that one call is made of, too.
  @Test(arguments: [true, false]) func `signals reach their handlers, and calls are made once`(
    seesEveryCall: Bool
  )
    async throws
  {
    let result = try await run(
      """
      cat >signals.py <<'END'
      import os, signal, threading, time
      count, more = 0, True
      def handler(number, frame):
          global count
          count += 1
          os.stat(".")
          # Anew each time: a slow machine would do nothing else.
          if more: signal.setitimer(signal.ITIMER_REAL, 0.0003)
      signal.signal(signal.SIGUSR1, handler); signal.signal(signal.SIGALRM, handler)
      signal.setitimer(signal.ITIMER_REAL, 0.0003)
      for i in range(2000):
          name = f"f{i % 10}"
          open(name, "w").close(); os.chmod(name, 0o4700 + i % 2); os.chown(name, i, i); s = os.lstat(name)
          assert (s.st_uid, s.st_gid, s.st_mode & 0o7777) == (i, i, 0o700 + i % 2), (i, s)
          os.rename(name, "target"); assert os.stat("target").st_uid == i; os.unlink("target")
      more = False
      print(count > 20)
      reading, writing = os.pipe()
      threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
      threading.Timer(0.3, lambda: os.write(writing, b"x")).start()
      print(os.read(reading, 1))
      END
      python3 signals.py
      """, seesEveryCall: seesEveryCall)
    #expect(result.text == "True\nb'x'\n")
    // Everything that was renamed over or removed is forgotten.
    #expect(result.files.records.count <= 1)
  }

  @Test func `stopped programs can be continued`() async throws {
    let result = try await run(
      """
      (kill -STOP $BASHPID; echo on; touch f; chown 5 f; stat -c %u f) & sleep 0.2; echo stopped; kill -CONT $!; wait
      """)
    #expect(result.text == "stopped\non\n5\n")
  }

  @Test(arguments: [true, false]) func `what a program leaves behind ends with it`(hasNamespaces: Bool)
    async throws
  {
    let mark = "86411.\(getpid() % 1000)\(hasNamespaces ? 1 : 2)"
    let result = try await run(
      "setsid sleep \(mark) & sleep \(mark) & disown -a; sleep 0.1; echo done", hasNamespaces: hasNamespaces)
    #expect(result.text == "done\n")
    let found = try await Program.run("pgrep", ["-f", "sleep \(mark)"])
    #expect(found.text.isEmpty)
  }

  @Test
  func `calls of another architecture, and ways around files by descriptors of their own, do not exist`()
    async throws
  {
    let result = try await run(
      """
      python3 - <<'END'
      import ctypes, os
      libc = ctypes.CDLL(None, use_errno=True)
      def call(*arguments):
          return ctypes.get_errno() if libc.syscall(*arguments) == -1 else 0
      open("f", "w").close()
      print(call(425, 1, 0), call(437, -100, b"f", 0, 0), call(452, -100, b"f", 0o4755, 0))
      print(call(0x40000000 + 92, b"f", 5, 5), os.stat("f").st_uid)
      END
      """)
    #expect(result.text == "38 38 38\n38 0\n")
  }

  @Test func `what was pretended before is seen, changed and given back`() async throws {
    let place = try PretendedScript()
    defer { place.directory.remove() }
    try place.directory.write("x", to: "file")
    var status = stat()
    try #require(stat(place.directory.appending("file"), &status) == 0)
    let number = FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    var files = PretendedFiles()
    files[number] = FileRecord(
      mode: S_IFREG | 0o6755, user: 3_000_000_000, group: 7,
      attributes: [Array("security.capability".utf8): [1, 0, 0, 2] + [UInt8](repeating: 0, count: 16)])
    let result = try await place.run(
      "stat -c '%u %g %a' file; getfattr -m - file | sed -n 2p; setfattr -n user.x -v y file; mv file moved",
      files: files)
    #expect(result.text == "3000000000 7 6755\nsecurity.capability\n", "\(result.outcome)")
    let record = try #require(result.files[number])
    #expect(record.attributes.count == 2 && record.user == 3_000_000_000 && record.mode == S_IFREG | 0o6755)
    #expect(result.files.touched == [number])
  }

  @Test func `a write takes the capabilities that a file had before, and nothing else`() async throws {
    let place = try PretendedScript()
    defer { place.directory.remove() }
    var files = PretendedFiles()
    var paths: [FileNumber: String] = [:]
    let capability = Array("security.capability".utf8)
    for name in ["written", "read"] {
      let path = try place.directory.write("x", to: name)
      var status = stat()
      try #require(stat(path, &status) == 0)
      let number = FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
      paths[number] = path
      files[number] = FileRecord(
        mode: S_IFREG | 0o6755,
        attributes: [capability: [1, 0, 0, 2] + [UInt8](repeating: 0, count: 16), Array("user.x".utf8): [1]])
    }
    let result = try await place.run("cat read; echo y >>written", files: files, capable: paths)
    #expect(result.outcome == .exited(0), "\(result.text)")
    for (number, path) in paths {
      let record = try #require(result.files[number])
      #expect(record.mode == S_IFREG | 0o6755 && record.attributes.count == (path.hasSuffix("read") ? 2 : 1))
    }
  }

  @Test func `a program sees its own processes, and writes to its directory alone`() async throws {
    let outside = try TemporaryDirectory()
    defer { outside.remove() }
    let result = try await run(
      """
      ls -d /proc/[0-9]* | wc -l; echo x >"\(outside.path)/file" || echo refused; echo x >/dev/shm/cooper-test || echo refused
      echo x >file; cat file; kill -0 \(getpid()) || echo unknown; hostname; ls /sys/class/net 2>/dev/null | wc -l
      grep -c . /proc/net/route || :
      """)
    let lines = result.text.split(separator: "\n").map(String.init)
    // The first process, bash, ls and wc.
    #expect((Int(lines.first ?? "") ?? 99) <= 5, "\(result.text)")
    #expect(lines.filter { $0 == "refused" }.count == 2, "\(result.text)")
    #expect(lines.contains("x") && lines.contains("unknown") && lines.contains("localhost"), "\(result.text)")
    #expect(try outside.names().isEmpty)
  }
}
