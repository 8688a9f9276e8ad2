// What Swift sees of libsodium.
#include <sodium.h>
