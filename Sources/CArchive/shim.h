#ifndef COOPER_CARCHIVE_SHIM_H
#define COOPER_CARCHIVE_SHIM_H
#include <archive.h>
#include <archive_entry.h>
#endif
