import Glibc
import PretendedRoot
import TestSupport
import Testing

/// What programs see as pretended root is what they see as real root: the same script's output, from the kernel itself.
@Suite(.enabled(if: RootAccess.isExpected, "the kernel shows it to root alone")) struct KernelComparisonTests
{
  enum Way { case usual, withoutNamespaces, seeingEveryCall }

  private static let scripts: [(subject: String, script: String)] = [
    (
      "owners and modes",
      """
      umask 022; mkdir d; echo x >f; ln f g; ln -s f l
      show() { stat -c '%n %u %g %a %F %h' "$@"; }
      show .; chown 1000:1001 f; show f g l; chmod 4755 f; show f; chown 5 f; show f
      chmod 2745 f; chown :7 f; show f; chmod 2755 f; chown :8 f; show f; chmod 6711 f; chown 0:0 f; show f
      chown -h 9:9 l; show l f; chmod 1777 d; show d; chown 4294967294:3000000000 d; chmod 2700 d; chown 1 d; show d
      chmod 0 f; cat f; echo y >>f; wc -l <f; show f; chmod 700 d; show d; ls -ln --time-style=+
      python3 -c 'import os; fd = os.open("f", 0); os.fchown(fd, 3, 4); os.fchmod(fd, 0o4511); s = os.fstat(fd); print(s.st_uid, s.st_gid, oct(s.st_mode))'
      show f
      """
    ),
    (
      "devices",
      """
      umask 022; mknod c c 1 3; mknod -m 600 b b 7 300; mkfifo p; mknod q p; mkdir d; mknod d/e c 4095 1048575
      stat -c '%n %F %t %T %a %s' c b p q d/e; find . -type c | sort; find . -type b; ls -ln --time-style=+ | sed 1d
      chown 5:6 c; chmod 4644 c; cp -a c copy; stat -c '%u %g %t %T %a' copy c; rm c; echo x >c; stat -c '%F %u' c
      tar -cf - --numeric-owner b | tar -tvf - --numeric-owner | tr -s ' ' | cut -d' ' -f1-3
      [ -c copy ]; [ -b b ]; test ! -f b
      """
    ),
    (
      "attributes",
      """
      echo x >f; mkdir d; ln -s f l
      setfattr -n user.a -v b f; setfattr -n user.empty f; setfattr -n trusted.t -v t d; setfattr -n security.s -v s f
      getfattr -m - -d f d; setfattr -x user.a f; getfattr -m - -d f; getfattr -n user.none f || echo none
      setfattr -h -n user.on -v link l || echo refused; setfattr -h -n trusted.on -v link l; getfattr -h -m - -d l
      setfattr -x user.none f || echo none; setfattr -n nonsense.x -v y f || echo refused
      setcap cap_net_raw+ep f; getcap f; getfattr -n security.capability -e hex f; chown 1 f; getcap f; getfattr -m - f
      setcap cap_chown,cap_kill=ep f; chmod 755 f; cp --preserve=all f g; getcap f g; setcap -r g; getcap g
      mv f moved; getfattr -m - -d moved; rm moved; touch f moved; getfattr -m - -d f moved
      python3 -c '
      import os
      os.setxattr("f", "user.x", b"1", os.XATTR_CREATE)
      for flag in (os.XATTR_CREATE, 0, os.XATTR_REPLACE):
          try: os.setxattr("f", "user.x", b"2" * 1000, flag); print("set")
          except OSError as e: print(e.errno)
      print(os.listxattr("f"), len(os.getxattr("f", "user.x")))'
      """
    ),
    (
      "groups of directories",
      """
      umask 027; mkdir sg; chgrp 50 sg; chmod 2775 sg; mkdir sg/sub; touch sg/file; ln -s x sg/link; mkfifo sg/pipe
      mkdir -p sg/sub/deeper; echo x >sg/sub/file; (cd sg; touch here; mkdir there/ )
      touch plain; mkdir ordinary; echo more >>sg/file; : >sg/file
      find . -printf '%p %U %G %m %y\\n' | sort
      chmod g-s sg; touch sg/late; mkdir sg/latedir; stat -c '%g %a' sg/late sg/latedir
      """
    ),
    (
      "other users",
      """
      id; umask 022; chmod 777 .; show() { stat -c '%n %u %g %a' "$@"; }
      setpriv --reuid 1000 --regid 1001 --groups 7,8 bash -c 'id; touch own; mkdir dir; stat -c "%n %u %g" own dir; chown 5 own || echo no; chgrp 7 own; chgrp 9 own || echo no; chmod 600 own; mknod x c 1 3 || echo no'
      show own dir; rm own; touch own; show own
      python3 -c '
      import os
      print(os.getresuid(), os.getresgid(), os.getgroups())
      os.setgroups([3, 4]); os.setresgid(5, 6, 7); os.setresuid(8, 9, 0)
      print(os.getresuid(), os.getresgid(), os.getgroups())
      os.seteuid(0); os.setgid(1); os.setreuid(2, 3)
      print(os.getresuid(), os.getresgid())
      try: os.setuid(0); print("root")
      except PermissionError: print("not root")'
      setpriv --ruid 1000 --euid 0 id; setpriv --reuid 1000 --regid 1000 --clear-groups id
      """
    ),
    (
      "names that go",
      """
      chown_new() { touch "$1"; chown 1234 "$1"; }
      for i in 1 2 3; do chown_new old; rm old; touch new$i; stat -c %u new$i; done
      chown_new a; ln a b; rm a; stat -c %u b; rm b; touch c; stat -c %u c
      chown_new target; touch source; mv source target; stat -c %u target; touch d; stat -c %u d
      mkdir dir; chown 77 dir; rmdir dir; mkdir dir; stat -c %u dir; chown 77 dir; mv dir other; stat -c %u other
      chown_new same; ln same link; python3 -c 'import os; os.rename("same", "link"); os.rename("link", "link")'; stat -c '%n %u' link same; chown_new x; mv x x 2>/dev/null || :; stat -c %u x
      python3 -c '
      import os
      fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600); os.fchown(fd, 4321, 5); print(os.fstat(fd).st_uid)
      os.link(f"/proc/self/fd/{fd}", "named", src_dir_fd=0, follow_symlinks=True); print(os.stat("named").st_uid)
      fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600); os.fchown(fd, 4321, 5); os.close(fd)
      for i in range(20): open(f"n{i}", "w").close(); assert os.stat(f"n{i}").st_uid == 0'
      """
    ),
    (
      "programs without libraries",
      """
      b() { busybox "$@"; }; umask 022
      b touch f; b chown 12:13 f; b chmod 4755 f; b mknod n c 1 3; b stat -c '%n %u %g %a %t %T' f n; b id -u
      b mkdir d; b chgrp 5 d; b ls -ln | b sed 1d | b awk '{print $1, $3, $4, $NF}'; b cp -a f g; b stat -c '%u %a' g
      b tar -cf - f n | b tar -tvf - | b awk '{print $1, $2, $NF}'
      """
    ),
    (
      "copies and archives",
      """
      umask 022; mkdir -p tree/a/b; echo x >tree/a/file; chown -R 10:20 tree/a; chmod 2750 tree/a/b; mknod tree/a/n b 1 2
      ln tree/a/file tree/a/same; ln -s file tree/a/link; chown -h 30 tree/a/link
      cp -a tree copy; (cd tree; find . -printf '%p %U %G %m %y %n\\n' | sort) >1; (cd copy; find . -printf '%p %U %G %m %y %n\\n' | sort) >2
      cmp 1 2; cat 1; tar --numeric-owner -C tree -cf t.tar .; mkdir un; tar --numeric-owner -C un -xpf t.tar
      (cd un; find . -printf '%p %U %G %m %y %n\\n' | sort) | cmp 1 -; install -o 5 -g 6 -m 4711 1 installed; stat -c '%u %g %a' installed
      touch -d @1000 installed; stat -c %Y installed; truncate -s 5 installed; stat -c '%s %u' installed
      """
    ),
    (
      "what is not allowed or not there",
      """
      chown 1 nothing || echo no; chmod 1 nothing || echo no; mknod nothing/x c 1 1 || echo no; rmdir . 2>/dev/null || echo no
      touch f; mknod f c 1 1 || echo no; mkdir f || echo no; stat f/x || echo no; setfattr -n user.x -v y nothing || echo no
      python3 -c '
      import os
      for call in (lambda: os.chown("", 1, 1), lambda: os.fchown(99, 1, 1), lambda: os.fchmod(99, 1), lambda: os.chmod("f/", 1), lambda: os.lchown("f/x", 1, 1)):
          try: call(); print("done")
          except OSError as e: print(e.errno)'
      """
    ),
    (
      "paths",
      """
      umask 022; mkdir -p a/b c; echo x >a/file; chown 5:6 a/file; ln -s file a/relative; ln -s "$PWD/a/file" a/absolute; ln -s ../a/file c/up
      ln -s absolute a/twice; ln -s loop loop; ln -s nothing dangling; ln -s a/ directory; ln -s "$PWD/a" a/top; ln -s /proc/self/cwd/a/file self
      show() { for path; do stat -L -c '%u %g %a' "$path" 2>/dev/null || echo none; stat -c '%u %F' "$path" 2>/dev/null || echo nothing; done; }
      show a/file a/relative a/absolute c/up a/twice loop dangling directory/file ./a/../a/file "$PWD/a/file" a/file/ directory/ "$PWD/a/absolute"
      show a/top/top/relative "$PWD/c/../a/twice" self /proc/self/cwd/a/file "$PWD//a///file" a/b/.. "" a/nothing nothing/a "$PWD/nothing" a/file/x
      (cd a/b; show ../file ../../c/up ../absolute ../../self .. /proc/self/cwd/../file)
      exec 3<a/file; show /proc/self/fd/3 /dev/fd/3; chown 7 /proc/self/fd/3; show a/file; chown 8 a/absolute; chown -h 9 a/absolute; show a/absolute
      chown 10 c/up; chmod 4711 a/twice; chmod 750 directory/; chmod 640 self; show a/file a; chown 11 dangling || echo no; chmod 1 loop || echo no
      rm directory/relative; mv a/twice c/..; show a/relative twice; touch "$PWD/a/top/new"; chown 12 directory/new; mv a/top/new c/up; show a/file c/up
      python3 - <<'END'
      import os
      def show(path, **more):
          try: s = os.stat(path, **more); print(s.st_uid, s.st_gid, oct(s.st_mode), s.st_size)
          except OSError as e: print(e.errno)
      directory = os.open("a", os.O_RDONLY); os.chown("a/file", 21, 22)
      for path in ("file", "absolute", "./file", "../a/file", "b/../file", "", "nothing", "top/file", "x" * 300): show(path, dir_fd=directory)
      show("file", dir_fd=os.open("a/file", os.O_RDONLY)); show("absolute", dir_fd=directory, follow_symlinks=False)
      os.chmod("file", 0o4700, dir_fd=directory); os.chown("absolute", 23, 24, dir_fd=directory); show("file", dir_fd=directory); show(b"\\xff")
      os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone"); show("."); show("file"); show("../a/file"); os.chdir("/"); os.fchdir(directory)
      os.chroot("."); os.chown("/file", 25, 26)
      for path in ("/file", "file", "/../file", "../../../file", "/absolute", "/b/../../file", "/top/file", "/..", "/proc/self"): show(path)
      os.symlink("/file", "/rooted"); show("/rooted"); os.chown("/rooted", 27, 28); os.chmod("/b/../rooted", 0o2711); show("file")
      END
      show a/file a/rooted
      """
    ),
    (
      "access control lists",
      """
      umask 022; chmod 755 .; echo x >f; mkdir d; ln -s f l; cp /bin/true program
      show() { getfacl -n -p "$@"; stat -c '%n %a %u %g' "$@"; }
      setfacl -m u:1000:rw,g:70000:r f; show f; ls -ln --time-style=+ f; getfattr -m - -d f
      chmod 640 f; show f; chmod 777 f; show f; setfacl -x u:1000 f; show f; chown 5:6 f; show f
      setfacl -m m::r f; show f; setfacl -b f; show f; getfattr -m - f; setfacl -m u::rwx,g::x,o::- f; show f; getfattr -m - f
      setfacl -m u:7:x program; chmod 700 program; show program; ./program
      setfacl -d -m u:1000:rwx,g::rx,o::- d; show d; touch d/file; mkdir d/sub; (umask 077; touch d/private; mkdir d/sub/deeper; mkfifo d/pipe; mknod d/null c 1 3); ln -s x d/link
      show d/file d/sub d/private d/sub/deeper d/pipe d/null; setfacl -k d; show d; touch d/late; show d/late
      setfacl -d -m u:1:r f || echo refused; setfacl -R -m g:9:rx d; show d/file d/sub/deeper; cp -a f g; show g; cp -a d e; show e/sub
      setfacl -m u:1000:rw g; cp -p g h; show h; cp g i; show i; mv h j; show j; rm j; touch j; show j
      getfacl -R -n d >saved; setfacl -R -b d; setfacl --restore=saved; show d/sub
      python3 - <<'END'
      import os, struct
      def acl(*entries): return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)
      o, g, t, m = (1, 6, 0), (4, 4, 0), (32, 4, 0), (16, 7, 0)
      for name, value in [
          ("access", b""), ("access", b"\\x02\\0"), ("access", acl()), ("access", acl(o, g, t)), ("access", acl(o, g)),
          ("access", acl(o, (2, 7, 1), g, t)), ("access", acl(o, (2, 7, 1), g, m, t)), ("access", acl(g, o, t)),
          ("access", acl(o, g, m, t)), ("access", acl(o, g, t, m)), ("access", acl(o, o, g, t)), ("access", acl(o, (3, 7, 1), g, t)),
          ("access", acl((1, 8, 0), g, t)), ("access", b"\\x01\\0\\0\\0" + acl(o, g, t)[4:]), ("access", acl(o, g, t) + b"\\0"), ("default", acl(o, g, t)), ("default", b""),
      ]:
          try: os.setxattr("i", "system.posix_acl_" + name, value); print(oct(os.stat("i").st_mode), os.listxattr("i"))
          except OSError as e: print(name, e.errno)
      for name in ("access", "default", "other"):
          for path in ("f", "l", "nothing"):
              for call in (os.getxattr, os.removexattr):
                  try: print(call(path, "system.posix_acl_" + name, follow_symlinks=False))
                  except OSError as e: print(e.errno)
      END
      setpriv --reuid 1000 --regid 1000 --clear-groups setfacl -m u:1:r f || echo no; chmod 2755 d; setfacl -d -m u:5:rx d; mkdir d/both; show d/both; tar --acls --numeric-owner -cf t.tar d f; mkdir un; tar --acls --numeric-owner -C un -xpf t.tar; (cd un; show d d/both f)
      """
    ),
    (
      "writes to programs with capabilities",
      """
      cp /bin/true f; setcap cap_net_raw+ep f; setfattr -n user.a -v b f
      cat f >/dev/null; touch f; touch -d @1000 f; chmod 755 f; ln f g; mv g h; python3 -c 'import os; os.close(os.open("f", os.O_WRONLY))'; getcap f h
      echo x >>h; getcap f h; getfattr -m - f
      for way in 'echo x >f' ': >f' ': >f' 'truncate -s 3 f' 'dd if=/dev/zero of=f bs=1 count=1 conv=notrunc status=none' 'cp /bin/true f' 'echo x | tee -a f >/dev/null'; do
        setcap cap_net_raw+ep f; chmod 6755 f; getcap f; eval "$way"; getcap f; stat -c %a f
      done
      echo x >s; chown 1000 s; chmod 6777 s; chmod 777 .; setpriv --reuid 1000 --clear-groups bash -c "cat s; stat -c %a s; echo y >>s; stat -c %a s"
      chmod 6766 s; setpriv --reuid 1000 --clear-groups bash -c ": >s"; stat -c %a s; chmod 6777 s; echo x >s; stat -c %a s
      setcap cap_net_raw+ep f; rm f h; echo x >f; setcap cap_chown+ep f; mv f g; getcap g; ./g 2>/dev/null || :; echo x >g; getcap g
      """
    ),
    (
      "devices that are opened",
      """
      umask 022; mknod null c 1 3; mknod zero c 1 5; mknod full c 1 7; mkdir d; ln -s ../null d/link; mknod disk b 7 300
      show() { stat -c '%n %F %t %T %u %a' "$@"; }
      echo x >null; echo x >>null; echo x >d/link; echo x >zero; echo x 2>/dev/null >full || echo full; cat null d/link | wc -c; echo x | tee null null; show null zero full
      python3 -c '
      import os
      fd = os.open("null", os.O_RDWR); print(os.write(fd, b"abc"), os.read(fd, 5), os.fstat(fd).st_rdev)
      directory = os.open("d", os.O_RDONLY)
      print(os.write(os.open("link", os.O_WRONLY | os.O_TRUNC, dir_fd=directory), b"abc"))
      for flags in (os.O_CREAT | os.O_EXCL | os.O_WRONLY, os.O_NOFOLLOW | os.O_WRONLY):
          try: os.open("d/link", flags); print("opened")
          except OSError as e: print(e.errno)
      open("null", "w").write("x" * 100000)'
      cat null | wc -c; mv null other; echo x >other; cat other; rm other; echo x >other; cat other; show other
      """
    ),
  ]

  @Test(arguments: scripts.indices, [Way.usual, .withoutNamespaces, .seeingEveryCall])
  func `programs see what real root sees`(index: Int, way: Way) async throws {
    for (name, package) in [
      ("busybox", "busybox-static"), ("setcap", "libcap2-bin"), ("setfattr", "attr"), ("setfacl", "acl"),
      ("setpriv", "util-linux"), ("python3", "python3"),
    ] {
      try Program.require(name, package: package)
    }
    let script = Self.scripts[index].script
    let real = try PretendedScript()
    let pretended = try PretendedScript()
    defer {
      real.directory.remove()
      pretended.directory.remove()
    }
    let expected = try await real.runAsRoot(script)
    let result = try await pretended.run(
      script, hasNamespaces: way != .withoutNamespaces, seesEveryCall: way == .seeingEveryCall)
    #expect(result.outcome == .exited(0), "\(result.text)")
    #expect(!expected.isEmpty)
    let difference = result.text.split(separator: "\n", omittingEmptySubsequences: false).difference(
      from: expected.split(separator: "\n", omittingEmptySubsequences: false))
    #expect(difference.isEmpty, "\(Self.scripts[index].subject): \(difference)")
  }
}
