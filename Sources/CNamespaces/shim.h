#ifndef COOPER_CNAMESPACES_SHIM_H
#define COOPER_CNAMESPACES_SHIM_H

// Between fork and exec of a process with threads only system calls are safe, so this is C.

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// Something of this machine that is seen inside.
struct launch_bind {
  const char *source;
  const char *target;
  int is_read_only;
};

/// A program to start, and what it sees of this machine.
struct launch_plan {
  /// Becomes `/`; NULL for this machine's own.
  const char *root;
  /// Where the program starts.
  const char *directory;
  /// Targets are paths on this machine.
  const struct launch_bind *binds;
  size_t bind_count;
  /// Where processes are to be seen, a path on this machine; NULL for nowhere.
  const char *proc;
  /// Everything but this directory is read-only; NULL when nothing is.
  const char *writable;
  /// Whether mounts, processes, names and the network are its own.
  int has_namespaces;
  /// Whether it is root of a user namespace, with the one user that this process is.
  int maps_user;
  int has_network;
  /// Whether real root may change the settings of the kernel.
  int controls_kernel;
  /// What it prints goes there.
  int output;
  char *const *arguments;
  char *const *environment;
  /// Decides about its system calls; NULL for none.
  const struct sock_fprog *filter;
  /// Whether nothing is started: the status is 0 when this process may mount something in such namespaces, and else a value of errno.
  int is_probe;
};

static inline int launch_flags(const struct launch_plan *plan) {
  if (!plan->has_namespaces) return 0;
  return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (plan->has_network ? 0 : CLONE_NEWNET) |
         (plan->maps_user ? CLONE_NEWUSER : 0);
}

/// Says which step failed, and ends the process.
static inline void launch_fail(const char *step, const char *path) {
  char number[] = "error 000\n";
  for (int i = 8, rest = errno; i > 5; i--, rest /= 10) number[i] = (char)('0' + rest % 10);
  const char *parts[] = {"cooper: cannot ", step, " ", path, ": ", number};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (write(2, parts[i], strlen(parts[i])) < 0) break;
  _exit(125);
}

/// Makes a mount and those below it read-only. What is locked, as in a user namespace, stays as it is.
static inline int launch_seal(const char *target) {
  struct { uint64_t set, clear, propagation, user; } attributes = {MS_RDONLY | MS_NOSUID, 0, 0, 0};
  // mount_setattr, of Linux 5.12; these two flags have the values of MOUNT_ATTR_RDONLY and MOUNT_ATTR_NOSUID.
  if (syscall(442, AT_FDCWD, target, 0x8000 /* AT_RECURSIVE */, &attributes, sizeof attributes) == 0) return 0;
  if (errno != ENOSYS) return -1;
  struct statvfs known;
  if (statvfs(target, &known) != 0) return -1;
  // statvfs(3) has the same values for these, but another one for relatime.
  unsigned long flags = (known.f_flag & (MS_NODEV | MS_NOEXEC | MS_NOATIME)) | (known.f_flag & 4096 ? MS_RELATIME : 0);
  return mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | flags, NULL);
}

/// What container engines keep from root, too.
static const char *const launch_sealed[] = {"sys", "sysrq-trigger", "irq", "bus", "fs"};

/// Makes a directory or file of /proc read-only, by whose way real root would change the machine; what is not there cannot be written to.
static inline void launch_seal_process_file(const char *proc, const char *name) {
  char path[4096];
  if (strlen(proc) + strlen(name) + 2 > sizeof path) launch_fail("make read-only", name);
  strcpy(path, proc);
  strcat(path, "/");
  strcat(path, name);
  if (access(path, F_OK) != 0) return;
  if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0 || launch_seal(path) != 0) launch_fail("make read-only", path);
}

/// In new namespaces: makes what the program is to see of this machine.
static inline void launch_mount(const struct launch_plan *plan) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) launch_fail("make mounts private below", "/");
  if (plan->root && mount(plan->root, plan->root, NULL, MS_BIND | MS_REC, NULL) != 0)
    launch_fail("mount", plan->root);
  for (size_t i = 0; i < plan->bind_count; i++) {
    const struct launch_bind *bind = &plan->binds[i];
    if (mount(bind->source, bind->target, NULL, MS_BIND | MS_REC, NULL) != 0) launch_fail("mount", bind->target);
    if (bind->is_read_only && launch_seal(bind->target) != 0) launch_fail("make read-only", bind->target);
  }
  // The mount point of /proc shows the processes of the namespace that mounts it. Where parts of this machine's are hidden, as in
  // many containers, the kernel allows no other one.
  if (plan->proc && mount("proc", plan->proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 &&
      (errno != EPERM || mount("/proc", plan->proc, NULL, MS_BIND | MS_REC, NULL) != 0))
    launch_fail("mount", plan->proc);
  // In a user namespace the kernel itself refuses what these allow.
  if (plan->proc && !plan->maps_user && !plan->controls_kernel)
    for (size_t i = 0; i < sizeof launch_sealed / sizeof launch_sealed[0]; i++)
      launch_seal_process_file(plan->proc, launch_sealed[i]);
  if (plan->writable) {
    if (mount(plan->writable, plan->writable, NULL, MS_BIND | MS_REC, NULL) != 0) launch_fail("mount", plan->writable);
    if (launch_seal("/") != 0) launch_fail("make read-only", "/");
    struct { uint64_t set, clear, propagation, user; } attributes = {0, MS_RDONLY, 0, 0};
    if (syscall(442, AT_FDCWD, plan->writable, 0x8000, &attributes, sizeof attributes) != 0)
      launch_fail("make writable", plan->writable);
  }
  syscall(SYS_sethostname, "localhost", 9L);
  if (!plan->root) return;
  // Nothing of the old root stays within reach, not even for those who know how to leave a chroot.
  if (chdir(plan->root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0)
    launch_fail("change the root to", plan->root);
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) launch_fail("leave", "the old root");
}

/// Becomes the program.
static inline void launch_become(const struct launch_plan *plan) {
  if (chdir(plan->directory) != 0) launch_fail("enter", plan->directory);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  if (plan->filter) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) launch_fail("give up", "privileges");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, plan->filter) != 0) launch_fail("install", "a system call filter");
  }
  execve(plan->arguments[0], plan->arguments, plan->environment);
  launch_fail("start", plan->arguments[0]);
}

/// The first process: takes leave of orphans, and ends with the program, whose status is its own, or 128 and the signal that ended it.
/// In a namespace of its own everything that is left ends then, too.
static inline void launch_first(const struct launch_plan *plan, int gate) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  char byte;
  // Its user is not mapped before, and it may be traced from here on.
  if (read(gate, &byte, 1) != 1) _exit(125);
  if (plan->is_probe) _exit(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno);
  int nothing = open("/dev/null", O_RDWR);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(plan->output, 1) < 0 || dup2(plan->output, 2) < 0) _exit(125);
  // Nothing of this program's is within reach of the other one: neither what it has open nor what it has in memory.
  if (syscall(436 /* close_range */, 3, ~0U, 0) != 0)
    for (int file = 3; file < 65536; file++) close(file);
  prctl(PR_SET_DUMPABLE, 0);
  if (plan->has_namespaces) launch_mount(plan);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Not fork(3), which waits for locks that threads may have held that this process does not have.
  pid_t program = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (program < 0) launch_fail("start", plan->arguments[0]);
  if (program == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    launch_become(plan);
  }
  int status = 0;
  pid_t ended;
  do ended = waitpid(-1, &status, 0);
  while (ended != program && (ended > 0 || errno == EINTR));
  _exit(ended != program ? 125 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/// Writes a short text to a file of /proc.
static inline int launch_write(pid_t process, const char *name, const char *text) {
  char path[64] = "/proc/";
  char digits[16];
  int count = 0;
  for (pid_t rest = process; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
  size_t end = strlen(path);
  while (count > 0) path[end++] = digits[--count];
  path[end++] = '/';
  strcpy(path + end, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  int result = write(file, text, strlen(text)) < 0 ? errno : 0;
  close(file);
  return result;
}

/// Starts the first process, which waits until it is let go. Returns 0, or the value of errno, with the process and the descriptor to let it go by.
/// Groups are not the caller's to choose in a namespace of one user; `users` and `groups` are lines of its maps.
static inline int launch_start(const struct launch_plan *plan, const char *users, const char *groups, pid_t *process,
                               int *gate) {
  int ends[2];
  if (syscall(SYS_pipe2, ends, O_CLOEXEC) != 0) return errno;
  // The first process stands above signals that are meant for the program, and must not run this program's handlers.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  long child = syscall(SYS_clone, launch_flags(plan) | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) {
    close(ends[1]);
    launch_first(plan, ends[0]);
  }
  int result = child < 0 ? errno : 0;
  // Both do it, since either may come first.
  if (child > 0) setpgid((pid_t)child, (pid_t)child);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[0]);
  if (result == 0 && plan->maps_user && plan->has_namespaces) {
    launch_write((pid_t)child, "setgroups", "deny");
    result = launch_write((pid_t)child, "uid_map", users);
    if (result == 0) result = launch_write((pid_t)child, "gid_map", groups);
  }
  if (result != 0) {
    close(ends[1]);
    if (child > 0) {
      kill((pid_t)child, SIGKILL);
      waitpid((pid_t)child, NULL, 0);
    }
    return result;
  }
  *process = (pid_t)child;
  *gate = ends[1];
  return 0;
}

/// Waits for the first process; its status as `launch_first` says it.
static inline int launch_wait(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
