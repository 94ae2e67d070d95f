/* LD_PRELOAD: how often, and how long at a time, a program sleeps because SQLite found a lock. A line of microseconds each, to
 * the file that WAITS names. Nothing else in the program sleeps by usleep(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int usleep(useconds_t us) {
    static int (*real)(useconds_t);
    const char *name = getenv("WAITS");
    FILE *f = name ? fopen(name, "ae") : NULL;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "usleep");
    if (f) (void)fprintf(f, "%d %u\n", (int)getpid(), us);
    if (f) (void)fclose(f);
    return real(us);
}
