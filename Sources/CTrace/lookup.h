#ifndef COOPER_CTRACE_LOOKUP_H
#define COOPER_CTRACE_LOOKUP_H

// What a stopped process would find at a path, found by this process: that saves stops. The directories of the other one are those of
// /proc/PID; where following links could lead elsewhere than there, nothing is said.

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/// Where a file is for calls of this process.
struct trace_found {
  int directory;  // AT_FDCWD, or the file itself, which is to be closed
  int flags;
  char path[320];
};

// Only where GNU's extensions are asked for, these have their names O_PATH and AT_EMPTY_PATH.
#define TRACE_PATH __O_PATH
#define TRACE_EMPTY_PATH 0x1000

/// The result when only the other process can tell.
#define TRACE_UNKNOWN (-1)

static inline void trace_leave(struct trace_found *found) {
  if (found->directory >= 0) close(found->directory);
}

/// Opens what is at a path of any length and with links. Returns 0, ENOENT, or TRACE_UNKNOWN.
static inline int trace_walk(const char *base, const char *path, int follows, struct trace_found *found) {
  found->directory = -1;
  int top = open(base, TRACE_PATH | O_CLOEXEC);
  if (top < 0) return TRACE_UNKNOWN;
  struct open_how how = {.flags = TRACE_PATH | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW)};
  // Of absolute paths the way stays below the other's root as it would there; of others it must not leave the directory.
  how.resolve = RESOLVE_NO_MAGICLINKS | (path[0] == '/' ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
  int file = (int)syscall(SYS_openat2, top, path, &how, sizeof how);
  int result = file >= 0 ? 0 : TRACE_UNKNOWN;
  if (file < 0 && errno == ENOENT) {
    // Unless there was a link such as /proc/self on the way, which is another one for the other process.
    how.resolve |= RESOLVE_NO_SYMLINKS;
    file = (int)syscall(SYS_openat2, top, path, &how, sizeof how);
    result = file >= 0 ? 0 : errno == ENOENT ? ENOENT : TRACE_UNKNOWN;
  }
  close(top);
  *found = (struct trace_found){.directory = file, .flags = TRACE_EMPTY_PATH};
  return result;
}

/// The directory that a path begins at, or the descriptor that is meant by an empty one.
static inline void trace_base(pid_t process, int directory, const char *path, char base[64]) {
  if (path[0] == '/') {
    snprintf(base, 64, "/proc/%d/root", process);
  } else if (directory == AT_FDCWD) {
    snprintf(base, 64, "/proc/%d/cwd", process);
  } else {
    snprintf(base, 64, "/proc/%d/fd/%d", process, directory);
  }
}

/// Finds a file as the *at calls name it. Returns 0, ENOENT, or TRACE_UNKNOWN.
static inline int trace_find(pid_t process, int directory, const char *path, int follows, struct trace_found *found,
                             struct stat *status) {
  char base[64];
  trace_base(process, directory, path, base);
  found->directory = AT_FDCWD;
  size_t length = strlen(path);
  if (length == 0) {
    found->flags = 0;
    strcpy(found->path, base);
    return fstatat(AT_FDCWD, base, status, 0) == 0 ? 0 : TRACE_UNKNOWN;
  }
  // One call is enough for a name alone.
  if (length < 256 && !memchr(path, '/', length) && strcmp(path, ".") != 0 && strcmp(path, "..") != 0) {
    found->flags = AT_SYMLINK_NOFOLLOW;
    snprintf(found->path, sizeof found->path, "%s/%s", base, path);
    if (fstatat(AT_FDCWD, found->path, status, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? ENOENT : TRACE_UNKNOWN;
    if (!follows || !S_ISLNK(status->st_mode)) return 0;
  }
  int result = trace_walk(base, path, follows, found);
  return result != 0 || fstatat(found->directory, "", status, TRACE_EMPTY_PATH) == 0 ? result : TRACE_UNKNOWN;
}

/// What stat(2) says. Returns 0, ENOENT, or TRACE_UNKNOWN.
static inline int trace_status(pid_t process, int directory, const char *path, int follows, struct stat *status) {
  struct trace_found found;
  int result = trace_find(process, directory, path, follows, &found, status);
  trace_leave(&found);
  return result;
}

/// What statx(2) says, with these flags for how fresh that must be. Returns 0, or TRACE_UNKNOWN.
static inline int trace_extended_status(pid_t process, int directory, const char *path, int follows, int flags,
                                        unsigned mask, void *bytes) {
  struct trace_found found;
  struct stat status;
  int result = trace_find(process, directory, path, follows, &found, &status);
  if (result == 0 && syscall(SYS_statx, found.directory, found.path, found.flags | flags, mask, bytes) != 0)
    result = TRACE_UNKNOWN;
  trace_leave(&found);
  return result;
}

/// Changes the mode of the file of this number that is found there, if it belongs to this process's user. Returns 0, or TRACE_UNKNOWN.
static inline int trace_change_mode(pid_t process, int directory, const char *path, int follows, dev_t device,
                                    ino_t inode, mode_t mode) {
  char base[64], own[64];
  struct trace_found found = {.directory = -1};
  struct stat status;
  trace_base(process, directory, path, base);
  // Only the file itself will do: a name may be a link out of the other's root the next moment.
  if (path[0] == 0) {
    found.directory = open(base, TRACE_PATH | O_CLOEXEC);
  } else if (trace_walk(base, path, follows, &found) != 0) {
    return TRACE_UNKNOWN;
  }
  if (found.directory < 0) return TRACE_UNKNOWN;
  snprintf(own, sizeof own, "/proc/self/fd/%d", found.directory);
  int done = fstatat(found.directory, "", &status, TRACE_EMPTY_PATH) == 0 && status.st_dev == device &&
             status.st_ino == inode && status.st_uid == geteuid() && !S_ISLNK(status.st_mode) && chmod(own, mode) == 0;
  trace_leave(&found);
  return done ? 0 : TRACE_UNKNOWN;
}

/// Watches for writes to a file, not to what a link leads to. Returns the number of the watch, or -1.
static inline int trace_watch(int watcher, const char *path) {
  return inotify_add_watch(watcher, path, IN_MODIFY | IN_DONT_FOLLOW);
}

/// Watches for writes to what the process would find there.
static inline int trace_watch_found(int watcher, pid_t process, int directory, const char *path, int follows) {
  char own[64];
  struct trace_found found;
  struct stat status;
  int watch = -1;
  if (trace_find(process, directory, path, follows, &found, &status) == 0) {
    if (found.directory >= 0) snprintf(own, sizeof own, "/proc/self/fd/%d", found.directory);
    // The names of descriptors are links themselves.
    watch = found.flags & AT_SYMLINK_NOFOLLOW
                ? trace_watch(watcher, found.path)
                : inotify_add_watch(watcher, found.directory >= 0 ? own : found.path, IN_MODIFY);
  }
  trace_leave(&found);
  return watch;
}

#endif
