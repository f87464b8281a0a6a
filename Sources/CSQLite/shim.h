#ifndef COOPER_CSQLITE_SHIM_H
#define COOPER_CSQLITE_SHIM_H

#include <dlfcn.h>
#include <sqlite3.h>
#include <stddef.h>

/// The functions of libsqlite3 that are used, found at run time: one option of one command needs them, and
/// every command would pay for linking them.
typedef struct {
  int (*_Nonnull libversion_number)(void);
  const char *_Nonnull (*_Nonnull errstr)(int);
  const char *_Nonnull (*_Nonnull errmsg)(sqlite3 *_Nonnull);
  int (*_Nonnull open_v2)(const char *_Nonnull, sqlite3 *_Nullable *_Nonnull, int, const char *_Nullable);
  int (*_Nonnull close_v2)(sqlite3 *_Nullable);
  int (*_Nonnull exec)(
      sqlite3 *_Nonnull, const char *_Nonnull, int (*_Nullable)(void *, int, char **, char **),
      void *_Nullable, char *_Nullable *_Nullable);
  int (*_Nonnull prepare_v2)(
      sqlite3 *_Nonnull, const char *_Nonnull, int, sqlite3_stmt *_Nullable *_Nonnull,
      const char *_Nullable *_Nullable);
  int (*_Nonnull bind_int64)(sqlite3_stmt *_Nonnull, int, sqlite3_int64);
  int (*_Nonnull bind_text)(
      sqlite3_stmt *_Nonnull, int, const char *_Nonnull, int, void (*_Nullable)(void *));
  int (*_Nonnull step)(sqlite3_stmt *_Nonnull);
  int (*_Nonnull reset)(sqlite3_stmt *_Nonnull);
  int (*_Nonnull finalize)(sqlite3_stmt *_Nullable);
  unsigned char *_Nullable (*_Nonnull serialize)(
      sqlite3 *_Nonnull, const char *_Nonnull, sqlite3_int64 *_Nonnull, unsigned int);
  void (*_Nonnull free)(void *_Nullable);
} sqlite_functions;

/// Loads libsqlite3 and fills `functions`. Returns NULL, or why it did not work (valid until the next dl call).
/// The library stays loaded.
static inline const char *_Nullable sqlite_functions_load(sqlite_functions *_Nonnull functions) {
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  const struct {
    const char *name;
    void **place;
  } wanted[] = {
      {"sqlite3_libversion_number", (void **)&functions->libversion_number},
      {"sqlite3_errstr", (void **)&functions->errstr},
      {"sqlite3_errmsg", (void **)&functions->errmsg},
      {"sqlite3_open_v2", (void **)&functions->open_v2},
      {"sqlite3_close_v2", (void **)&functions->close_v2},
      {"sqlite3_exec", (void **)&functions->exec},
      {"sqlite3_prepare_v2", (void **)&functions->prepare_v2},
      {"sqlite3_bind_int64", (void **)&functions->bind_int64},
      {"sqlite3_bind_text", (void **)&functions->bind_text},
      {"sqlite3_step", (void **)&functions->step},
      {"sqlite3_reset", (void **)&functions->reset},
      {"sqlite3_finalize", (void **)&functions->finalize},
      {"sqlite3_serialize", (void **)&functions->serialize},
      {"sqlite3_free", (void **)&functions->free},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    *wanted[i].place = dlsym(library, wanted[i].name);
    if (*wanted[i].place == NULL) return dlerror();
  }
  return NULL;
}

/// Swift cannot read the macro that asks for a copy of the text.
static inline int sqlite_bind_copy(
    const sqlite_functions *_Nonnull f, sqlite3_stmt *_Nonnull statement, int index,
    const char *_Nonnull text, int byte_count) {
  return f->bind_text(statement, index, text, byte_count, SQLITE_TRANSIENT);
}

#endif
