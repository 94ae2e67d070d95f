/* The whole interface on one screen (PROTOCOL 1.3): path -> handler, and what it needs. */
#include "handler/handler.h"

const struct route routes[] = {
    {"GET", "signal", handle_signal, NEEDS_MAIN},
    {"GET", "signal.js", handle_signal, NEEDS_MAIN},
    {"GET", "package/", handle_package, NEEDS_MAIN},
    {"GET", "client.js", handle_asset, NEEDS_MAIN},
    {"GET", "circle-sw.js", handle_asset, NEEDS_MAIN},
    {"GET", "circles.json", handle_circles, NEEDS_MAIN},
    {"GET", "circles.js", handle_circles, NEEDS_MAIN},
    {"GET", "roster/", handle_roster, NEEDS_LIVE},
    {"POST", "roster/", handle_roster_members, NEEDS_LIVE},
    {"POST", "sync", handle_sync, NEEDS_LIVE},
    {"GET", "manifest/", handle_manifest, NEEDS_MAIN},
    {"GET", "mirror/", handle_mirror, NEEDS_MAIN},
    {"GET", "health", handle_health, NEEDS_LIVE},
    {"GET", "probe", handle_probe, NEEDS_NOTHING},
    {"GET", "setup", handle_page, NEEDS_NOTHING},
    {"GET", "console", handle_page, NEEDS_NOTHING},
    {"GET", "owner.js", handle_page, NEEDS_NOTHING},
    {"GET", "owner.css", handle_page, NEEDS_NOTHING},
    {"POST", "owner", handle_owner, NEEDS_NOTHING},
    {"GET", "selftest", handle_page, NEEDS_NOTHING},
    {"GET", "measure", handle_measure, NEEDS_NOTHING},
    {"POST", "measure", handle_measure, NEEDS_NOTHING},
    {"GET", "measure.gz", handle_measure, NEEDS_NOTHING},
    {"GET", "", handle_home, NEEDS_NOTHING},
    {"GET", "polycircle/signal", handle_signal, NEEDS_MAIN},
};
const size_t routes_count = sizeof routes / sizeof *routes;
