#ifndef COOPER_CNAMESPACES_SHIM_H
#define COOPER_CNAMESPACES_SHIM_H

// Between fork and exec of a process with threads only system calls are safe, so this is C.

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// Something of this machine that is seen inside.
struct namespace_bind {
  const char *source;
  const char *target;
  int is_read_only;
};

static inline int namespace_flags(int has_network) {
  return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (has_network ? 0 : CLONE_NEWNET);
}

/// Whether this process may make namespaces and mount in them. Returns 0, or the value of errno.
static inline int namespaces_probe(void) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (syscall(SYS_unshare, namespace_flags(0)) != 0) _exit(errno);
    _exit(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/// Says on standard error which step failed, and ends the process.
static inline void namespace_fail(const char *step, const char *path) {
  char number[] = "error 000\n";
  for (int i = 8, rest = errno; i > 5; i--, rest /= 10) number[i] = (char)('0' + rest % 10);
  const char *parts[] = {"cooper: cannot ", step, " ", path, ": ", number};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (write(2, parts[i], strlen(parts[i])) < 0) break;
  _exit(125);
}

/// The first process of the new process namespace: becomes the program.
static inline void namespace_enter(const char *root, const char *proc, char *const argv[]) {
  // The mount point of /proc shows the processes of the namespace that mounts it.
  if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) namespace_fail("mount", proc);
  // Nothing of the old root stays within reach, not even for those who know how to leave a chroot.
  if (chdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) namespace_fail("change the root to", root);
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) namespace_fail("leave", "the old root");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  extern char **environ;
  execve(argv[0], argv, environ);
  namespace_fail("start", argv[0]);
}

/// Runs a program with `root` as its root directory, in namespaces of its own; all it has started ends with it.
/// `proc` is the mount point for /proc outside. Returns the program's exit status, 128 and the signal's number, or 125.
static inline int namespace_run(const char *root, const char *proc, const struct namespace_bind *binds, size_t count,
                                int has_network, char *const argv[]) {
  pid_t child = fork();
  if (child < 0) return 125;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (syscall(SYS_unshare, namespace_flags(has_network)) != 0) namespace_fail("make", "namespaces");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) namespace_fail("make mounts private", "below /");
    if (mount(root, root, NULL, MS_BIND, NULL) != 0) namespace_fail("mount", root);
    for (size_t i = 0; i < count; i++) {
      if (mount(binds[i].source, binds[i].target, NULL, MS_BIND | MS_REC, NULL) != 0)
        namespace_fail("mount", binds[i].target);
      if (binds[i].is_read_only &&
          mount(NULL, binds[i].target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL) != 0)
        namespace_fail("make read-only", binds[i].target);
    }
    pid_t first = fork();
    if (first < 0) namespace_fail("start", argv[0]);
    if (first == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      namespace_enter(root, proc, argv);
    }
    int status = 0;
    while (waitpid(first, &status, 0) < 0 && errno == EINTR) {}
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
