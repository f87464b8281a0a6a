#ifndef COOPER_CSECCOMP_SHIM_H
#define COOPER_CSECCOMP_SHIM_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define COOPER_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define COOPER_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#define COOPER_AUDIT_ARCH 0
#endif

/// The system calls that take a path and are younger than what every libc does without them.
/// Those from 424 on have one number everywhere; headers may be older than they are.
static const uint32_t seccomp_path_calls[] = {
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_execveat
    SYS_execveat,
#endif
#ifdef SYS_name_to_handle_at
    SYS_name_to_handle_at, SYS_open_by_handle_at,
#endif
    425 /* io_uring_setup */, 426 /* io_uring_enter */, 427 /* io_uring_register */,
    428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */, 431 /* fsconfig */, 432 /* fsmount */,
    433 /* fspick */, 437 /* openat2 */, 439 /* faccessat2 */, 442 /* mount_setattr */, 452 /* fchmodat2 */,
    463 /* setxattrat */, 464 /* getxattrat */, 465 /* listxattrat */, 466 /* removexattrat */,
    467 /* open_tree_attr */, 468 /* file_getattr */, 469 /* file_setattr */,
};

/// From here on this thread and all it starts get ENOSYS from these calls. Returns 0, or the value of errno.
static inline int seccomp_refuse_path_calls(void) {
  enum { count = sizeof seccomp_path_calls / sizeof seccomp_path_calls[0] };
  struct sock_filter filter[count + 6];
  size_t n = 0;
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
  // Programs for another architecture have other numbers.
  filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, COOPER_AUDIT_ARCH, 1, 0);
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < count; i++)
    filter[n++] = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ | BPF_K, seccomp_path_calls[i], (uint8_t)(count - i), 0);
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
  struct sock_fprog program = {.len = (unsigned short)n, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

#endif
