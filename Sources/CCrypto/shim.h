#ifndef COOPER_CCRYPTO_SHIM_H
#define COOPER_CCRYPTO_SHIM_H
#include <openssl/evp.h>
#endif
