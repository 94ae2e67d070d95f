/* Work that takes longer than an answer may. */
#pragma once
#include "util/libc.h"

/* Runs this program once more, with these words (NULL at their end) as its command line, apart from this process: by itself in its
 * session, without any descriptor of ours (a web server waits until nobody holds its pipes any longer), without an alarm, nicely.
 * What it has to complain of is written into a file, log. false: it could not be started (no /proc, no more processes). */
bool run_apart(const char *const words[], const char *log);
/* In a child that is to become another program: all descriptors but 0, 1, 2 closed, 1 is `out`, 2 `err`, the alarm's default. */
void leave_descriptors(int out, int err);
