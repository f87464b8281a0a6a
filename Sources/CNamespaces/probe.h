#ifndef COOPER_CNAMESPACES_PROBE_H
#define COOPER_CNAMESPACES_PROBE_H

// What this kernel lets this user do, tried in a child of a process with threads, so it is C as well.

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// The exit status of a child as a value of errno; one that was killed was not permitted to go on.
static inline int probe_wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
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
