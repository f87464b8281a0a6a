#ifndef COOPER_CZSTD_SHIM_H
#define COOPER_CZSTD_SHIM_H
#include <zstd.h>
#endif
