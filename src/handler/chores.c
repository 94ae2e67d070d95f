/* What may wait until the visitor has the answer: a bounded step of whatever the instance has to do by itself. There is no
 * daemon and no cron on such a host, so requests that wrote something carry it; one process at a time, one step a second. */
#include "domain/index.h"
#include "handler/handler.h"
#include "util/file.h"
#include "util/jsn.h"
#include <unistd.h>

enum { EVERY_MS = 1000 };

void chores(void *context, struct arena *arena) {
    struct server *server = context;
    if (!server->store || !store_wrote(server->store)) return;
    struct ctx ctx = {.arena = arena, .store = server->store, .now = clock_now()};
    int turn = file_turn(arena_text(arena, "%s/chores", store_dir(server->store)), ctx.now, EVERY_MS);
    if (turn < 0) return;
    jsn_use(arena);
    bool worked;
    if (index_background(&ctx, &worked) != ERR_OK) store_rollback(server->store);
    (void)close(turn);
}
