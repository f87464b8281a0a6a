#ifndef COOPER_CGUEST_SHIM_H
#define COOPER_CGUEST_SHIM_H

// What the first program of the virtual machine asks of its kernel and Swift cannot call: system calls without a function in the C library, and
// functions of headers that Swift's view of the C library lacks.

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Loads the module that is open at `descriptor`. Returns 0, or the value of errno.
static inline int guest_load_module(int descriptor) {
  return syscall(SYS_finit_module, descriptor, "", 0) == 0 ? 0 : errno;
}

/// A descriptor that becomes readable when the process ends, or -1.
static inline int guest_watch(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

/// Drops what the kernel has kept of the disk that is open at `descriptor`. Returns 0, or -1 and errno.
static inline int guest_forget_disk(int descriptor) { return ioctl(descriptor, BLKFLSBUF, 0); }

/// Switches the machine off.
static inline void guest_power_off(void) {
  reboot(RB_POWER_OFF);
}

#endif
