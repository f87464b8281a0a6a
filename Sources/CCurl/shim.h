#ifndef COOPER_CCURL_SHIM_H
#define COOPER_CCURL_SHIM_H
#include <curl/curl.h>
#endif
