#include "handler/handler.h"

enum err handle_health(struct exchange *x) {
    return answer_json(x, json_pack("{s:i, s:b, s:s, s:I, s:s}", "polycircle", 1, "ok", 1, "version", PACKAGE_VERSION, "gen",
                                    (json_int_t)store_gen(x->ctx->store), "journal", store_journal(x->ctx->store)));
}
