#ifndef COOPER_CJANSSON_SHIM_H
#define COOPER_CJANSSON_SHIM_H
#include <jansson.h>

// Swift cannot call a macro with a side effect.
static inline void cooper_json_decref(json_t *value) { json_decref(value); }
#endif
