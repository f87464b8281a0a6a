#ifndef COOPER_CDEFLATE_SHIM_H
#define COOPER_CDEFLATE_SHIM_H
#include <libdeflate.h>
#endif
