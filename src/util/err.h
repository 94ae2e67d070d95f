/* Every way in which a request can fail: one enum for the whole program. A row holds the name that
 * goes over the wire, the HTTP status, and what to do about it when no better text is at hand.
 * Whoever fails returns one of these; handler/dispatch.c alone makes it an answer, cli/cli.c a line. */
#pragma once
#include "util/libc.h"
#define ERR_TABLE(X)                                                                                             \
    X(OK, ok, 200, "")                                                                                           \
    X(BAD_REQUEST, bad_request, 400, "Send one form field: the JSON in base64url as d=, or in base32 as h=.")    \
    X(BAD_ENCODING, bad_encoding, 400, "The field d= must be base64url, h= base32 (RFC 4648 sections 5 and 6).") \
    X(BAD_JSON, bad_json, 400, "The field must hold one strict JSON object, no key twice.")                      \
    X(BAD_FIELD, bad_field, 400, "A field is missing or of the wrong form; see doc/PROTOCOL.md 1.4.")            \
    X(UNKNOWN_KEY, unknown_key, 403, "No circle has this key: copy the line in the console (or by circle show)") \
    X(ORIGIN_REFUSED, origin_refused, 403, "The circle does not allow pages of this origin.")                    \
    X(NOT_MEMBER, not_member, 403, "This roster is shown to signals of the circle only.")                        \
    X(WRONG_CODE, wrong_code, 403, "This is not the code that stands in the file.")                              \
    X(LOCKED, locked, 409, "Set-up is over and locked here: the console goes on.")                               \
    X(NOT_FOUND, not_found, 404, "There is nothing here; doc/PROTOCOL.md 1.3 lists the paths.")                  \
    X(METHOD, method, 405, "This path takes another method; see doc/PROTOCOL.md 1.3.")                           \
    X(REJOIN, rejoin, 409, "Send join again after after_ms.")                                                    \
    X(REMOVED, removed, 410, "This circle was removed: stop, and unregister its worker.")                        \
    X(TOO_LARGE, too_large, 413, "A request body is at most 122880 bytes: split it.")                            \
    X(RANGE, range, 416, "Ask for at most 1048576 bytes by Range, starting inside the file.")                    \
    X(HOST_UNKNOWN, host_unknown, 421,                                                                           \
      "This host name is not the instance's: the console there adds it (or polycircle url add URL).")            \
    X(CIRCLE_FULL, circle_full, 429, "The circle has its 10000 signals: try again later.")                       \
    X(TOO_MANY, too_many, 429, "This address holds 500 signals of the circle: close some.")                      \
    X(MAILBOX_FULL, mailbox_full, 429, "Too much mail waits for that signal: try again later.")                  \
    X(INTERNAL, internal, 500, "A defect of Polycircle: please report the line in the server's error log.")      \
    X(NOT_SET_UP, not_set_up, 503, "Not set up yet: open .../setup (or run polycircle init --url URL).")         \
    X(BUSY, busy, 503, "The database was locked for 5 s: try again.")                                            \
    X(DISK_FULL, disk_full, 503, "The disk (or the quota) is full: free some space; reading goes on.")           \
    X(READ_ONLY, read_only, 503, "The data directory cannot be written: check its owner and mode (0700).")       \
    X(DAMAGED, damaged, 503, "polycircle.db is damaged: restore it from a backup.")                              \
    X(NEWER, newer, 503, "polycircle.db is of a newer version of the program: put that one back.")               \
    X(LIVE_LOST, live_lost, 503, "The live database was lost and is made anew: try again.")                      \
    X(EXISTS, exists, 409, "This name is taken.")                                                                \
    X(UPGRADE, upgrade_refused, 409, "polycircle.new may not take the place of this program.")                   \
    X(USAGE, usage, 400, "See --help.")                                                                          \
    X(FILES, files, 503, "A file could not be read or written.")

#define ERR_ENUM(id, name, status, text) ERR_##id,
enum [[nodiscard]] err{ERR_TABLE(ERR_ENUM) ERR_COUNT};
#undef ERR_ENUM

/* What went wrong this time, in words; empty when the table's text says it all. */
struct fault {
    char text[480];
};

const char *err_name(enum err e);
int err_status(enum err e);
/* The fault's own words, else the table's. */
const char *err_text(enum err e, const struct fault *fault);
bool text_utf8(const char *text);
/* Makes it valid UTF-8 without control characters: what is not becomes '?'. */
void text_clean(char *text);
/* Writes the words, whatever they quote as valid UTF-8 without control characters, and returns e, so that `return
 * fault_set(f, ERR_BAD_FIELD, "...")` reads well. */
enum err fault_set(struct fault *fault, enum err e, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, in the words of every file that could not be made, read or changed: "PATH: the next step. (why)", by errno. Of what
 * may not be made it names the folder that was to hold it. */
enum err fault_errno(struct fault *fault, enum err e, const char *path);

/* Early return on failure. */
#define TRY(call)                                \
    do {                                         \
        enum err try_err_ = (call);              \
        if (try_err_ != ERR_OK) return try_err_; \
    } while (0)
