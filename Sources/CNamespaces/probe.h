#ifndef COOPER_CNAMESPACES_PROBE_H
#define COOPER_CNAMESPACES_PROBE_H

// What this kernel lets this user do, tried in a child of a process with threads, so it is C as well.

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int probe_write(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = write(file, text, strlen(text));
  int code = errno;
  close(file);
  errno = code;
  return count < 0 ? -1 : 0;
}

/// The exit status of a child as a value of errno; one that was killed was not permitted to go on.
static inline int probe_wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/// Whether this user may make a user namespace in which it is root, and mount in it. Returns 0, or the value of errno.
static inline int probe_user_namespace(void) {
  char users[32], groups[32];
  snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
  snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS) != 0) _exit(errno);
    // Kernels before 3.19 have no such file.
    if (probe_write("/proc/self/setgroups", "deny") != 0 && errno != ENOENT) _exit(errno);
    if (probe_write("/proc/self/uid_map", users) != 0 || probe_write("/proc/self/gid_map", groups) != 0) _exit(errno);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(errno);
    _exit(0);
  }
  return probe_wait(child);
}

/// Whether this process may trace what it starts. Returns 0, or the value of errno.
static inline int probe_tracing(void) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(errno);
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (!WIFSTOPPED(status)) return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EPERM;
  long resumed = ptrace(PTRACE_CONT, child, NULL, NULL);
  int code = errno;
  if (resumed != 0) kill(child, SIGKILL);
  int ended = probe_wait(child);
  return resumed != 0 ? code : ended;
}

#endif
