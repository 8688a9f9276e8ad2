// What Swift sees of LMDB.
#include <lmdb.h>
