#ifndef COOPER_CCURL_SHIM_H
#define COOPER_CCURL_SHIM_H

#include <curl/curl.h>
#include <dlfcn.h>
#include <stddef.h>

// With these the compiler would check the arguments of variadic calls, which only works on direct calls.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

/// The functions of libcurl that are used, found at run time.
///
/// libcurl brings some thirty shared objects with it; loading them costs more than everything else that
/// a command without a network does.
typedef struct {
  CURLcode (*_Nonnull global_init)(long);
  curl_version_info_data *(*_Nonnull version_info)(CURLversion);
  const char *_Nonnull (*_Nonnull easy_strerror)(CURLcode);
  CURL *(*_Nonnull easy_init)(void);
  void (*_Nonnull easy_cleanup)(CURL *);
  CURLcode (*_Nonnull easy_pause)(CURL *, int);
  CURLcode (*_Nonnull easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*_Nonnull easy_getinfo)(CURL *, CURLINFO, ...);
  struct curl_slist *(*_Nonnull slist_append)(struct curl_slist *, const char *);
  void (*_Nonnull slist_free_all)(struct curl_slist *);
  CURLM *(*_Nonnull multi_init)(void);
  CURLMcode (*_Nonnull multi_cleanup)(CURLM *);
  CURLMcode (*_Nonnull multi_setopt)(CURLM *, CURLMoption, ...);
  CURLMcode (*_Nonnull multi_add_handle)(CURLM *, CURL *);
  CURLMcode (*_Nonnull multi_remove_handle)(CURLM *, CURL *);
  CURLMcode (*_Nonnull multi_perform)(CURLM *, int *);
  CURLMcode (*_Nonnull multi_poll)(CURLM *, struct curl_waitfd *, unsigned int, int, int *);
  CURLMcode (*_Nonnull multi_wakeup)(CURLM *);
  CURLMsg *(*_Nonnull multi_info_read)(CURLM *, int *);
} curl_functions;

/// Loads libcurl and fills `functions`. Returns NULL, or why it did not work (valid until the next dl call).
/// The library stays loaded.
static inline const char *curl_functions_load(curl_functions *functions) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  const struct {
    const char *name;
    void **place;
  } wanted[] = {
      {"curl_global_init", (void **)&functions->global_init},
      {"curl_version_info", (void **)&functions->version_info},
      {"curl_easy_strerror", (void **)&functions->easy_strerror},
      {"curl_easy_init", (void **)&functions->easy_init},
      {"curl_easy_cleanup", (void **)&functions->easy_cleanup},
      {"curl_easy_pause", (void **)&functions->easy_pause},
      {"curl_easy_setopt", (void **)&functions->easy_setopt},
      {"curl_easy_getinfo", (void **)&functions->easy_getinfo},
      {"curl_slist_append", (void **)&functions->slist_append},
      {"curl_slist_free_all", (void **)&functions->slist_free_all},
      {"curl_multi_init", (void **)&functions->multi_init},
      {"curl_multi_cleanup", (void **)&functions->multi_cleanup},
      {"curl_multi_setopt", (void **)&functions->multi_setopt},
      {"curl_multi_add_handle", (void **)&functions->multi_add_handle},
      {"curl_multi_remove_handle", (void **)&functions->multi_remove_handle},
      {"curl_multi_perform", (void **)&functions->multi_perform},
      {"curl_multi_poll", (void **)&functions->multi_poll},
      {"curl_multi_wakeup", (void **)&functions->multi_wakeup},
      {"curl_multi_info_read", (void **)&functions->multi_info_read},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    *wanted[i].place = dlsym(library, wanted[i].name);
    if (*wanted[i].place == NULL) return dlerror();
  }
  return NULL;
}

/// The loaded version, as libcurl writes it in numbers: 0x075801 is 7.88.1.
static inline unsigned int curl_functions_version(const curl_functions *f) {
  return f->version_info(CURLVERSION_NOW)->version_num;
}

// One wrapper per kind of argument: Swift cannot call variadic functions.

static inline CURLcode curl_set_long(
    const curl_functions *f, CURL *easy, CURLoption option, long value) {
  return f->easy_setopt(easy, option, value);
}

static inline CURLcode curl_set_offset(
    const curl_functions *f, CURL *easy, CURLoption option, curl_off_t value) {
  return f->easy_setopt(easy, option, value);
}

/// Strings (copied by libcurl), lists, contexts and NULL.
static inline CURLcode curl_set_pointer(
    const curl_functions *f, CURL *easy, CURLoption option, const void *value) {
  return f->easy_setopt(easy, option, value);
}

/// Bytes that are not copied: they must outlive the handle.
static inline CURLcode curl_set_blob(
    const curl_functions *f, CURL *easy, CURLoption option, void *bytes, size_t count) {
  struct curl_blob blob = {bytes, count, CURL_BLOB_NOCOPY};
  return f->easy_setopt(easy, option, &blob);
}

/// Header, write and read functions have one shape.
static inline CURLcode curl_set_data_function(
    const curl_functions *f, CURL *easy, CURLoption option,
    size_t (*value)(char *, size_t, size_t, void *)) {
  return f->easy_setopt(easy, option, value);
}

static inline CURLcode curl_set_seek_function(
    const curl_functions *f, CURL *easy, int (*value)(void *, curl_off_t, int)) {
  return f->easy_setopt(easy, CURLOPT_SEEKFUNCTION, value);
}

static inline CURLcode curl_set_socket_function(
    const curl_functions *f, CURL *easy,
    curl_socket_t (*value)(void *, curlsocktype, struct curl_sockaddr *)) {
  return f->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}

static inline CURLcode curl_set_prerequest_function(
    const curl_functions *f, CURL *easy, int (*value)(void *, char *, char *, int, int)) {
  return f->easy_setopt(easy, CURLOPT_PREREQFUNCTION, value);
}

static inline CURLcode curl_get_long(const curl_functions *f, CURL *easy, CURLINFO info, long *value) {
  return f->easy_getinfo(easy, info, value);
}

static inline CURLcode curl_get_offset(
    const curl_functions *f, CURL *easy, CURLINFO info, curl_off_t *value) {
  return f->easy_getinfo(easy, info, value);
}

/// Strings belong to libcurl.
static inline CURLcode curl_get_pointer(const curl_functions *f, CURL *easy, CURLINFO info, void **value) {
  return f->easy_getinfo(easy, info, value);
}

static inline CURLMcode curl_multi_set_long(
    const curl_functions *f, CURLM *multi, CURLMoption option, long value) {
  return f->multi_setopt(multi, option, value);
}

#endif
