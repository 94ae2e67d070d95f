#include "host/selftest.h"
#include "circle/address.h"
#include "util/named.h"
#include "util/trial.h"
#include <stdarg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

const char *const level_names[] = {"ok", "warn", "fail"};

struct look {
    struct ctx *ctx;
    const struct facts *facts;
    const char *dir; /* the data directory, or before set-up the nearest one above it that is there */
    const char *found; /* in words, by the check */
    const char *proxies; /* the setting that would help */
};

static enum level say(struct look *l, enum level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static enum level say(struct look *l, enum level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    l->found = arena_text_va(l->ctx->arena, format, args);
    va_end(args);
    return level;
}

static enum level instance(struct look *l) {
    if (l->ctx->store) return say(l, LEVEL_OK, "It is set up.");
    return *l->facts->trouble ? say(l, LEVEL_FAIL, "%s", l->facts->trouble) : say(l, LEVEL_WARN, "Nothing is set up yet.");
}

static enum level server(struct look *l) {
    return say(l, LEVEL_OK, "%s", *l->facts->server ? l->facts->server : "It does not say its name.");
}

static enum level face(struct look *l) {
    const char *fastcgi = "FastCGI: the program stays awake between requests.", *cgi = "CGI: the program starts for each request.";
    return say(l, LEVEL_OK, "%s", l->facts->fastcgi ? fastcgi : cgi);
}

static enum level owner(struct look *l) {
    struct stat st;
    uid_t me = geteuid();
    bool known = stat(l->facts->program, &st) == 0;
    if (me == 0)
        return say(l, LEVEL_WARN, "It runs as root: the files it makes would be root's, and the web server could not change them.");
    if (known && st.st_uid == me) return say(l, LEVEL_OK, "It runs as user %ld, who owns the program.", (long)me);
    return say(
        l, LEVEL_WARN,
        "It runs as user %ld; the program belongs to user %ld. Everybody's programs run as that user: secrets are not secret here.",
        (long)me, known ? (long)st.st_uid : -1L);
}

static enum level program(struct look *l) {
    struct stat file, dir;
    const char *path = l->facts->program, *slash = strrchr(path, '/');
    const char *parent = slash > path ? arena_copy(l->ctx->arena, path, (size_t)(slash - path)) : "/";
    if (!slash || stat(path, &file) != 0 || stat(parent, &dir) != 0)
        return say(l, LEVEL_WARN, "The program's own file is not known.");
    bool wide = (file.st_mode & (S_IWGRP | S_IWOTH | S_ISUID | S_ISGID)) || (dir.st_mode & (S_IWGRP | S_IWOTH));
    return say(l, wide ? LEVEL_WARN : LEVEL_OK, "%s has the permissions %04o, its folder %04o.", path,
               (unsigned)file.st_mode & 07777, (unsigned)dir.st_mode & 07777);
}

static enum level machine(struct look *l) {
    struct utsname u;
    if (uname(&u) != 0) u = (struct utsname){.sysname = "unknown"};
    const char *cloud = strstr(u.release, "lve") ? " CloudLinux: usually 20 requests at a time." : "";
    return say(l, LEVEL_OK, "%s %s, %s; the program is %s.%s", u.sysname, u.release, u.machine,
               trial_static() ? "static and needs nothing else" : "linked with the libraries of this machine", cloud);
}

/* Is path inside dir, or dir itself? Both must exist. */
static bool inside(const char *path, const char *dir) {
    char real_path[PATH_MAX], real_dir[PATH_MAX];
    if (!*dir || !realpath(path, real_path) || !realpath(dir, real_dir)) return false;
    size_t len = strlen(real_dir);
    return strncmp(real_path, real_dir, len) == 0 && (real_path[len] == '/' || !real_path[len]) && len > 1;
}

static enum level place(struct look *l) {
    struct stat st;
    char site[PATH_MAX];
    const char *dir = l->facts->data;
    if (lstat(dir, &st) != 0) return say(l, LEVEL_WARN, "%s is not there yet.", dir);
    unsigned mode = st.st_mode & 07777;
    if (st.st_uid != geteuid())
        return say(l, LEVEL_FAIL, "%s has the permissions %04o and belongs to user %ld; the program runs as user %ld.", dir, mode,
                   (long)st.st_uid, (long)geteuid());
    if (mode & 077) return say(l, LEVEL_FAIL, "%s has the permissions %04o and lets others look in.", dir, mode);
    if (inside(dir, l->facts->root))
        return say(l, LEVEL_WARN, "%s, permissions %04o, inside the folder of the web site (document root).", dir, mode);
    if (realpath(dir, site) && named_site(site))
        return say(l, LEVEL_WARN, "%s, permissions %04o, inside %s, which may be the folder of another web site.", dir, mode, site);
    return say(l, LEVEL_OK, "%s, permissions %04o, %s.", dir, mode,
               *l->facts->root ? "outside the folder of the web site" : "where the folder of the web site is, is not known");
}

static enum level writing(struct look *l) {
    enum { SLOW_MS = 250 };
    int64_t ms;
    mode_t mode;
    int why = trial_write(l->dir, 4096, &ms, &mode);
    if (why) return say(l, LEVEL_FAIL, "A file cannot be written there (%s).", strerror(why));
    return say(l, ms > SLOW_MS ? LEVEL_WARN : LEVEL_OK, "Writing, syncing and renaming a file takes %" PRId64 " ms.", ms);
}

static enum level privacy(struct look *l) {
    int64_t ms;
    mode_t mode;
    int why = trial_write(l->dir, 1, &ms, &mode);
    if (why) return say(l, LEVEL_WARN, "Not known, for no file could be written (%s).", strerror(why));
    return say(l, mode & 077 ? LEVEL_FAIL : LEVEL_OK, "A file that is made there gets the permissions %04o.", (unsigned)mode);
}

static enum level locks(struct look *l) {
    int works = trial_lock(l->dir);
    if (works < 0) return say(l, LEVEL_WARN, "It could not be tried (%s).", strerror(errno));
    return works ? say(l, LEVEL_OK, "A second process sees the lock of the first.")
                 : say(l, LEVEL_FAIL, "A second process got a lock that the first one holds.");
}

static enum level journal(struct look *l) {
    bool works = store_wal_works(l->dir);
    const char *now = l->ctx->store ? store_journal(l->ctx->store) : "none yet";
    enum level level = works || strcmp(now, "truncate") == 0 ? LEVEL_OK : strcmp(now, "wal") == 0 ? LEVEL_FAIL : LEVEL_WARN;
    return say(l, level, "The fast way (WAL) %s here; in use: %s.", works ? "works" : "is not safe", now);
}

static enum level file_system(struct look *l) {
    enum trial_place place;
    const char *name = trial_file_system(l->dir, &place);
    return place == PLACE_FAR ? say(l, LEVEL_WARN, "It is %s.", name)
                              : say(l, LEVEL_OK, "It is %s, a file system of this machine.", name);
}

/* A quota is invisible to statvfs, so 1 MB is really written. */
static enum level space(struct look *l) {
    static const uint64_t little = 20 << 20;
    struct statvfs fs;
    int64_t ms;
    mode_t mode;
    int why = trial_write(l->dir, 1 << 20, &ms, &mode);
    if (why) return say(l, LEVEL_FAIL, "1 MB could not be written (%s).", strerror(why));
    uint64_t free_bytes = statvfs(l->dir, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
    return say(l, free_bytes < little ? LEVEL_WARN : LEVEL_OK,
               "1 MB was written in %" PRId64 " ms; the file system has %" PRIu64 " MB free.", ms, free_bytes >> 20);
}

static enum level entropy(struct look *l) {
    uint8_t byte;
    if (getrandom(&byte, 1, GRND_NONBLOCK) == 1) return say(l, LEVEL_OK, "The machine gives random numbers (getrandom).");
    if (access("/dev/urandom", R_OK) == 0) return say(l, LEVEL_OK, "The machine gives random numbers (/dev/urandom).");
    return say(l, LEVEL_FAIL, "The machine gives none (neither getrandom nor /dev/urandom).");
}

static enum level sqlite(struct look *l) {
    return say(l, LEVEL_OK, "SQLite %s.", store_sqlite());
}

static enum level limits(struct look *l) {
    static const struct {
        __rlimit_resource_t which;
        const char *name, *unit;
        rlim_t least, divisor;
    } all[] = {
        {RLIMIT_AS, "memory", " MB", 64 << 20, 1 << 20},
        {RLIMIT_FSIZE, "size of a file", " MB", 64 << 20, 1 << 20},
        {RLIMIT_NPROC, "processes", "", 25, 1},
        {RLIMIT_CPU, "CPU", " s", 10, 1},
    };
    struct buf text = {.arena = l->ctx->arena};
    bool little = false;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        (void)getrlimit(all[i].which, &limit);
        little |= limit.rlim_cur < all[i].least;
        buf_format(&text, "%s%s: ", i ? ", " : "", all[i].name);
        if (limit.rlim_cur == RLIM_INFINITY)
            buf_text(&text, "no limit");
        else
            buf_format(&text, "%llu%s", (unsigned long long)(limit.rlim_cur / all[i].divisor), all[i].unit);
    }
    return say(l, little ? LEVEL_WARN : LEVEL_OK, "%s.", text.data);
}

static enum level https(struct look *l) {
    return *l->facts->https ? say(l, LEVEL_OK, "The web server says that it is encrypted (HTTPS=%.20s).", l->facts->https)
                            : say(l, LEVEL_OK, "The web server says nothing of it.");
}

static enum level visitor(struct look *l) {
    const struct facts *f = l->facts;
    const char *known = "", *client;
    if (l->ctx->store && setting_get(l->ctx, "proxies", &known) != ERR_OK) known = "";
    const char *proxies = arena_text(l->ctx->arena, "%s%s%s", known, *known ? " " : "", f->address);
    switch (address_via(l->ctx->arena, f->address, f->forwarded, f->host, known, &client)) {
    case VIA_PROXY:
        l->proxies = proxies;
        return say(l, LEVEL_WARN,
                   "Requests come from %.60s, which speaks for %.60s. If that is the host's own proxy, press the button that "
                   "believes it (polycircle set proxies \"%s\").",
                   f->address, client, proxies);
    case VIA_SILENT:
        return say(
            l, LEVEL_WARN,
            "Requests for %.60s come from %.60s, an address of an inner network: a proxy stands before the program and does not "
            "say for whom it speaks, unless you are in that network.",
            f->host, f->address);
    default:
        return say(l, LEVEL_OK, "Requests come from %s%s.", f->address,
                   address_listed(f->address, known) ? ", a proxy that is believed" : "");
    }
}

static enum level path_info(struct look *l) {
    return *l->facts->path_info ? say(l, LEVEL_OK, "The web server says it (PATH_INFO).")
                                : say(l, LEVEL_OK, "It is taken from the address (REQUEST_URI; PATH_INFO is absent).");
}

static const struct check {
    const char *id, *title;
    enum { ANYWHERE, REQUEST } told_by; /* REQUEST: only that can tell */
    enum level (*look)(struct look *l);
    const char *why, *cure, *host;
} checks[] = {
    {"instance", "Instance", ANYWHERE, instance, "Without it nothing else matters.",
     "Open the set-up page (.../setup) in a browser. A damaged database: its page says how a copy is put back.", ""},
    {"server", "Web server", REQUEST, server, "It decides which of the limits below are its own.", "", ""},
    {"face", "How it is run", REQUEST, face,
     "To stay awake costs the host about a third of starting each time. Both give the same answers.", "", ""},
    {"owner", "As whom the program runs", ANYWHERE, owner,
     "Where all customers' programs run as one user, each of them can read the data of the others: keys, codes, the database.",
     "Send your host the sentence below. Until it is so put nothing secret here, or choose a host that runs each customer's "
     "programs as "
     "that customer (suEXEC).",
     "Please run my CGI programs as my own user (suEXEC, or FastCGI with a pool of my own)."},
    {"program", "Permissions of the program", ANYWHERE, program,
     "Many hosts do not start a program that others may change, or whose folder they may change (suEXEC, error 500).",
     "Set the program and its folder to 755 (rwxr-xr-x), by FTP or in the panel's file manager.", ""},
    {"machine", "Machine", ANYWHERE, machine,
     "The program must be made for this kind of processor; one that needs no libraries (a static one) runs on any Linux.", "", ""},
    {"place", "Where the data is", ANYWHERE, place, "Whoever can fetch the database has the keys of the instance.",
     "Keep the folder beside the folder of the web site, not inside it. Where it belongs to the user as whom the program "
     "runs, give it the permissions 700 by FTP or in the panel's file manager; where it is another user's, your host must "
     "give it to that user first: with 700 before that the program is shut out.",
     "Please give the folder of the data to the user as whom my programs run, or tell me of a directory outside the document root "
     "that they may write."},
    {"write", "Writing", ANYWHERE, writing, "What is acknowledged must be on the disk first: each change waits for this.",
     "The folder must belong to the user as whom the program runs, and then have the permissions 700. A slow disk is the host's.",
     "Please let my CGI programs write to this directory (or tell me why a write takes so long)."},
    {"umask", "Permissions of new files", ANYWHERE, privacy, "Keys and codes are files; only their owner may read them.",
     "This disk keeps no permissions (such as FAT): ask your host for a folder on another one, and put the data there.",
     "Please tell me of a directory in which file modes (0600) are kept."},
    {"lock", "Locks", ANYWHERE, locks, "Two requests at a time would damage the database where locks do nothing.",
     "The folder of the data must lie on a disk of this machine; without locks this host cannot run it.",
     "fcntl locks do not work in my home directory (NFS without lockd?). Please switch them on."},
    {"journal", "How the database writes (its journal)", ANYWHERE, journal,
     "The fast way (WAL) is four times as fast, and damages the database silently on a disk of another machine. The plain one "
     "(TRUNCATE) is "
     "fast enough and safe.",
     "Press \"Use what was found\": the plain way is taken (TRUNCATE).", ""},
    {"files", "Disk (file system)", ANYWHERE, file_system,
     "On a disk of another machine (NFS, SMB, FUSE) two requests may write at once without knowing of each other.",
     "It works as long as the line about locks is ok (with the TRUNCATE journal).",
     "Is my home directory on a network file system, and do fcntl locks work there from all web servers?"},
    {"space", "Free space", ANYWHERE, space, "With a full disk or quota nothing new is kept; reading goes on.",
     "Delete something, old backups first.", "Please raise my quota."},
    {"entropy", "Random numbers", ANYWHERE, entropy, "Keys, ids and tokens are random numbers.",
     "Send your host the sentence below.", "Please give my programs /dev/urandom."},
    {"sqlite", "Database", ANYWHERE, sqlite, "It is built in; a report of a defect needs its version.", "", ""},
    {"limits", "Limits", ANYWHERE, limits, "Below about 64 MB, or 25 processes, requests fail under load.",
     "A larger plan, or the host's support.",
     "Please raise the limits of my CGI programs to 64 MB of memory, 64 MB a file, 25 processes and 10 s of CPU."},
    {"https", "HTTPS, as the server sees it", REQUEST, https,
     "Behind a proxy it is often wrong. So it is never used: addresses come from the settings.", "", ""},
    {"address", "The visitor's address", REQUEST, visitor,
     "Limits count by address. Behind a proxy that is not listed all visitors are one, and together they reach the limits of one.",
     "If the proxy is your host's (or Cloudflare), believe it: a button for that is here where it says for whom it speaks. "
     "One that you do not know may write any address.",
     "Which addresses do your reverse proxies have, and do they send X-Forwarded-For to my CGI programs?"},
    {"path", "Which page is asked for (PATH_INFO)", REQUEST, path_info, "There are two ways to know it, and one is enough.", "",
     ""},
};

void selftest_add(struct ctx *ctx, struct lines *lines, const struct line *line) {
    struct fault clean; /* a path or a server's name may be anything */
    if (lines->n == LINES_MOST) return;
    struct line *new = &lines->all[lines->n++];
    (void)!fault_set(&clean, ERR_OK, "%s", line->found);
    *new = *line;
    new->found = arena_copy(ctx->arena, clean.text, strlen(clean.text));
    if (line->level > lines->worst) lines->worst = line->level;
}

static const char *nearest(struct arena *arena, const char *path) {
    struct stat st;
    char *dir = arena_copy(arena, path, strlen(path));
    for (char *slash; stat(dir, &st) != 0 && (slash = strrchr(dir, '/')) && slash > dir;) *slash = '\0';
    return stat(dir, &st) == 0 ? dir : "/";
}

static const char *if_any(const char *text, enum level level) {
    return level != LEVEL_OK && *text ? text : NULL;
}

void selftest_lines(struct ctx *ctx, const struct facts *facts, struct lines *out) {
    const char *dir = nearest(ctx->arena, facts->data);
    *out = (struct lines){0};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const struct check *c = &checks[i];
        struct look l = {.ctx = ctx, .facts = facts, .found = "", .dir = dir};
        if (c->told_by == REQUEST && !facts->web) continue;
        enum level level = c->look(&l);
        selftest_add(
            ctx, out,
            &(struct line){c->id, c->title, level, l.found, c->why, if_any(c->cure, level), if_any(c->host, level), l.proxies});
    }
}
