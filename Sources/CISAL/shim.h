#ifndef COOPER_CISAL_SHIM_H
#define COOPER_CISAL_SHIM_H
#include <isa-l/igzip_lib.h>
#endif
