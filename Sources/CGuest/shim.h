#ifndef COOPER_CGUEST_SHIM_H
#define COOPER_CGUEST_SHIM_H

// What the first program of the virtual machine asks of its kernel and Swift cannot call: system calls without a function in the C library, and
// functions of headers that Swift's view of the C library lacks.

#include <errno.h>
#include <linux/fs.h>
#include <linux/reboot.h>
#include <stdint.h>
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

/// Switches the machine off.
static inline void guest_power_off(void) {
  reboot(RB_POWER_OFF);
}

/// The number of bytes of a block device, or 0.
static inline uint64_t guest_device_size(int descriptor) {
  uint64_t size = 0;
  return ioctl(descriptor, BLKGETSIZE64, &size) == 0 ? size : 0;
}

/// Makes the mounted ext4 file system that `descriptor` is in `blocks` blocks large. Returns 0, or the value of errno.
static inline int guest_grow_ext4(int descriptor, uint64_t blocks) {
  // EXT4_IOC_RESIZE_FS, which no installed header has.
  return ioctl(descriptor, _IOW('f', 16, uint64_t), &blocks) == 0 ? 0 : errno;
}

#endif
