/* A wall clock that somebody sets: BLACKBOARD_SHIM_CLOCK names a file with one number, milliseconds that are added
 * to the time of day at every look.  Clocks that count from the start of the machine go on as they are. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include "control.h"

static int64_t *offset_ms;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    offset_ms = control_map("BLACKBOARD_SHIM_CLOCK", sizeof(int64_t));
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (real_clock_gettime == NULL) /* another library looks at the time before this one was started */
        real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real_clock_gettime(clock, now);
    if (result != 0 || offset_ms == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t ns = now->tv_nsec + (*offset_ms % 1000) * 1000000;
    now->tv_sec += *offset_ms / 1000;
    if (ns < 0) {
        ns += 1000000000;
        now->tv_sec--;
    } else if (ns >= 1000000000) {
        ns -= 1000000000;
        now->tv_sec++;
    }
    now->tv_nsec = ns;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    (void)zone;
    return 0;
}

time_t time(time_t *at) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return (time_t)-1;
    if (at != NULL)
        *at = precise.tv_sec;
    return precise.tv_sec;
}
