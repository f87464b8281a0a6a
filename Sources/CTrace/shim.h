#ifndef COOPER_CTRACE_SHIM_H
#define COOPER_CTRACE_SHIM_H

// ptrace(2) is variadic, and what its stops say is behind macros. Only x86-64 has the registers that are meant here.

#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// <sys/ptrace.h> and <linux/ptrace.h> do not go together.
extern long ptrace(int request, ...);

#if defined(__x86_64__)
#define COOPER_TRACE_IS_SUPPORTED 1
#else
#define COOPER_TRACE_IS_SUPPORTED 0
#endif

/// The registers that say what a system call is, and where the next instruction and the stack are.
struct trace_call {
  int64_t number;
  uint64_t arguments[6];
  int64_t result;
  uint64_t instruction;
  uint64_t stack;
};

/// Why a process has stopped.
enum trace_reason {
  trace_has_exited,    // value: its status
  trace_was_killed,    // value: the signal
  trace_filter,        // the filter has found a call of interest
  trace_call,          // the beginning or end of a system call
  trace_new_process,   // value: the number of the new process or thread
  trace_exec,          // value: the number of the thread that called exec
  trace_signal,        // value: the signal that is to be delivered
  trace_group_stop,    // everything in the process stops
  trace_other,
};

struct trace_stop {
  pid_t process;
  enum trace_reason reason;
  int64_t value;
};

/// What every tracee is traced with: all it starts is traced from the first instruction, and nothing outlives the tracer.
static inline int trace_seize(pid_t process) {
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
  return ptrace(PTRACE_SEIZE, process, NULL, (void *)options) == 0 ? 0 : errno;
}

/// Waits for any process of this thread. Returns 0, or the value of errno: ECHILD when there is none left.
static inline int trace_wait(struct trace_stop *stop) {
  int status = 0;
  pid_t process;
  do process = waitpid(-1, &status, __WALL | __WNOTHREAD);
  while (process < 0 && errno == EINTR);
  if (process < 0) return errno;
  unsigned long message = 0;
  *stop = (struct trace_stop){.process = process, .reason = trace_other};
  if (WIFEXITED(status)) {
    stop->reason = trace_has_exited;
    stop->value = WEXITSTATUS(status);
  } else if (WIFSIGNALED(status)) {
    stop->reason = trace_was_killed;
    stop->value = WTERMSIG(status);
  } else if (WIFSTOPPED(status)) {
    int event = status >> 16;
    int number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) {
      stop->reason = trace_filter;
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE ||
               event == PTRACE_EVENT_EXEC) {
      stop->reason = event == PTRACE_EVENT_EXEC ? trace_exec : trace_new_process;
      ptrace(PTRACE_GETEVENTMSG, process, NULL, &message);
      stop->value = (int64_t)message;
    } else if (event == PTRACE_EVENT_STOP) {
      stop->reason = number == SIGTRAP ? trace_other : trace_group_stop;
    } else if (number == (SIGTRAP | 0x80)) {
      stop->reason = trace_call;
    } else if (event == 0) {
      stop->reason = trace_signal;
      stop->value = number;
    }
  }
  return 0;
}

/// How a stopped process goes on.
enum trace_way {
  trace_on,       // to the next thing of interest
  trace_to_call,  // at most to the next beginning or end of a system call
  trace_listen,   // stopped, until somebody continues it
};

/// A process that was killed meanwhile is none of ours any more, and its end is reported.
static inline void trace_continue(pid_t process, enum trace_way way, int signal) {
  int request = way == trace_on ? PTRACE_CONT : way == trace_to_call ? PTRACE_SYSCALL : PTRACE_LISTEN;
  ptrace(request, process, NULL, (void *)(long)signal);
}

/// The system call at whose beginning or end a process has stopped. Returns 0, or the value of errno.
static inline int trace_get_call(pid_t process, struct user_regs_struct *registers, struct trace_call *call) {
#if COOPER_TRACE_IS_SUPPORTED
  if (ptrace(PTRACE_GETREGS, process, NULL, registers) != 0) return errno;
  *call = (struct trace_call){
      .number = (int64_t)registers->orig_rax,
      .arguments = {registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8, registers->r9},
      .result = (int64_t)registers->rax,
      .instruction = registers->rip,
      .stack = registers->rsp};
  return 0;
#else
  return ENOSYS;
#endif
}

/// Changes that system call; at its end, with `again`, it is made once more.
static inline int trace_set_call(pid_t process, const struct user_regs_struct *before, const struct trace_call *call,
                                 int again) {
#if COOPER_TRACE_IS_SUPPORTED
  struct user_regs_struct registers = *before;
  registers.orig_rax = (unsigned long long)call->number;
  registers.rax = (unsigned long long)(again ? call->number : call->result);
  registers.rdi = call->arguments[0];
  registers.rsi = call->arguments[1];
  registers.rdx = call->arguments[2];
  registers.r10 = call->arguments[3];
  registers.r8 = call->arguments[4];
  registers.r9 = call->arguments[5];
  // The instruction has two bytes: 0F 05.
  if (again) registers.rip -= 2;
  return ptrace(PTRACE_SETREGS, process, NULL, &registers) == 0 ? 0 : errno;
#else
  return ENOSYS;
#endif
}

/// Whether a stop is at the beginning (1) or end (2) of a system call, whether that is one of this architecture's own, and at the beginning its number.
static inline int trace_phase(pid_t process, int *is_foreign, int64_t *number) {
  struct ptrace_syscall_info info;
  memset(&info, 0, sizeof info);
  long size = ptrace(PTRACE_GET_SYSCALL_INFO, process, (void *)sizeof info, &info);
  if (size < 0) return 0;
  *is_foreign = info.arch != 0xC000003E /* AUDIT_ARCH_X86_64 */;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) *number = (int64_t)info.entry.nr;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY ? 1 : info.op == PTRACE_SYSCALL_INFO_EXIT ? 2 : 0;
}

/// Reads memory of a process; the number of bytes, or -1.
static inline long trace_read(pid_t process, uint64_t address, void *bytes, size_t count) {
  struct iovec here = {bytes, count}, there = {(void *)address, count};
  return syscall(SYS_process_vm_readv, process, &here, 1L, &there, 1L, 0L);
}

/// Writes memory of a process; the number of bytes, or -1.
static inline long trace_write(pid_t process, uint64_t address, const void *bytes, size_t count) {
  struct iovec here = {(void *)bytes, count}, there = {(void *)address, count};
  return syscall(SYS_process_vm_writev, process, &here, 1L, &there, 1L, 0L);
}

static inline int trace_get_signal(pid_t process, siginfo_t *information) {
  return ptrace(PTRACE_GETSIGINFO, process, NULL, information) == 0 ? 0 : errno;
}

static inline int trace_set_signal(pid_t process, const siginfo_t *information) {
  return ptrace(PTRACE_SETSIGINFO, process, NULL, information) == 0 ? 0 : errno;
}

/// Sends a signal to one thread; `process` is its number, and that of no other thread is needed.
static inline void trace_send(pid_t process, int signal) { syscall(SYS_tkill, process, signal); }

/// What a call of this process gives, with arguments that no kernel takes: -EFAULT or -EBADF, unless a filter answers first.
static inline int64_t trace_probe(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  long result = syscall(number, a, b, c, d, 0L);
  return result < 0 ? -errno : result;
}

#endif
