#ifndef COOPER_CMACHINE_SHIM_H
#define COOPER_CMACHINE_SHIM_H

// Between fork and exec of a process with threads only system calls are safe, so this is C.

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// How a program is started.
struct machine_start {
  const char *path;
  char *const *arguments;
  char *const *environment;
  /// What becomes its descriptors 0, 1 and so on; it has no others.
  const int *descriptors;
  size_t descriptor_count;
  /// In bytes.
  rlim_t file_limit;
  /// In bytes.
  rlim_t memory_limit;
  /// Who it is, or 0 for who starts it.
  uid_t user;
};

static inline void machine_limit(int resource, rlim_t value) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return;
  if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) value = limit.rlim_max;
  limit.rlim_cur = limit.rlim_max = value;
  setrlimit(resource, &limit);
}

/// In the new process: becomes the program, or returns. `report` is always the descriptor that a failure is told on.
static inline void machine_become(const struct machine_start *start, int *report) {
  // First out of the way of the numbers that they get.
  enum { first = 200 };
  int moved[64];
  if (start->descriptor_count > 64) return;
  for (size_t i = 0; i < start->descriptor_count; i++)
    if ((moved[i] = fcntl(start->descriptors[i], F_DUPFD_CLOEXEC, first)) < 0) return;
  int moved_report = fcntl(*report, F_DUPFD_CLOEXEC, first);
  if (moved_report < 0) return;
  *report = moved_report;
  for (size_t i = 0; i < start->descriptor_count; i++)
    if (dup2(moved[i], (int)i) < 0) return;
  if (syscall(SYS_dup3, moved_report, (int)start->descriptor_count, O_CLOEXEC) < 0) return;
  *report = (int)start->descriptor_count;
  syscall(SYS_close_range, (unsigned)start->descriptor_count + 1, ~0U, 0);
  machine_limit(RLIMIT_CORE, 0);
  machine_limit(RLIMIT_NOFILE, 256);
  machine_limit(RLIMIT_FSIZE, start->file_limit);
  machine_limit(RLIMIT_AS, start->memory_limit);
  if (start->user != 0) {
    if (setgroups(0, NULL) != 0 || setgid(start->user) != 0 || setuid(start->user) != 0) return;
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // After the user, since a change of it takes this back.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(start->path, start->arguments, start->environment);
}

/// Starts a program in a process group of its own that ends when the calling thread does. Returns its number, or the value of errno below 0.
static inline pid_t machine_spawn(const struct machine_start *start) {
  int failure[2];
  if (syscall(SYS_pipe2, failure, O_CLOEXEC) != 0) return -errno;
  pid_t child = fork();
  if (child < 0) {
    int reason = errno;
    close(failure[0]);
    close(failure[1]);
    return -reason;
  }
  if (child == 0) {
    setpgid(0, 0);
    int report = failure[1];
    machine_become(start, &report);
    int reason = errno;
    if (write(report, &reason, sizeof reason) < 0) _exit(126);
    _exit(127);
  }
  // Done on both sides, so that it is done when this returns.
  setpgid(child, child);
  close(failure[1]);
  int reason = 0;
  ssize_t count;
  do { count = read(failure[0], &reason, sizeof reason); } while (count < 0 && errno == EINTR);
  close(failure[0]);
  if (count <= 0) return child;
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return reason > 0 ? -reason : -EIO;
}

#endif
