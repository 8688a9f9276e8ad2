// What Swift sees of libevent.

// Debian's event-config.h defines _GNU_SOURCE, which changes the shape of fd_set; seeing the plain
// system headers first keeps this module and Glibc in agreement.
#include <features.h>
#include <sys/select.h>
#include <event2/event.h>
