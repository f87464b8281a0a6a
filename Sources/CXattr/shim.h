// The C library's calls for extended attributes, which Swift's view of it lacks.
#include <sys/types.h>
#include <sys/xattr.h>
