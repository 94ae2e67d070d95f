#include "host/upgrade.h"
#include "util/apart.h"
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>

struct trailer {
    char magic[16];
    uint8_t signature[crypto_sign_BYTES];
};

static bool hash_file(int fd, int64_t size, uint8_t *out) {
    crypto_hash_sha256_state state;
    uint8_t block[1 << 15];
    (void)crypto_hash_sha256_init(&state);
    for (int64_t at = 0; at < size;) {
        size_t n = size - at < (int64_t)sizeof block ? (size_t)(size - at) : sizeof block;
        if (!file_read(fd, block, n, at)) return false;
        (void)crypto_hash_sha256_update(&state, block, n);
        at += (int64_t)n;
    }
    return crypto_hash_sha256_final(&state, out) == 0;
}

bool upgrade_signed(int fd, int64_t size, const char *key) {
    static const char domain[] = "polycircle program 1\n";
    enum { DOMAIN = sizeof domain - 1 };
    uint8_t public[crypto_sign_PUBLICKEYBYTES], message[DOMAIN + crypto_hash_sha256_BYTES];
    struct trailer end;
    int64_t body = size - (int64_t)sizeof end;
    if (body <= 0 || size > CAP_PROGRAM || !hex_decode(public, sizeof public, key)) return false;
    if (!file_read(fd, &end, sizeof end, body) || memcmp(end.magic, "polycircle-sig-1", sizeof end.magic) != 0) return false;
    memcpy(message, domain, DOMAIN);
    return hash_file(fd, body, message + DOMAIN) &&
           crypto_sign_verify_detached(end.signature, message, sizeof message, public) == 0;
}

/* ELF's class, byte order and machine (gABI 4, "ELF Header"). */
static bool same_machine(int fd) {
    char mine[20], its[20];
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool same = self >= 0 && file_read(self, mine, sizeof mine, 0) && file_read(fd, its, sizeof its, 0) &&
                memcmp(mine, its, 7) == 0 && memcmp(mine + 18, its + 18, 2) == 0;
    if (self >= 0) (void)close(self);
    return same;
}

/* In the child. alarm() outlives exec; no environment, since REQUEST_METHOD would make it a CGI program. */
static _Noreturn void become(char *path, int out) {
    enum { SECONDS = 5 };
    leave_descriptors(out, out);
    (void)alarm(SECONDS);
    (void)execve(path, (char *[]){path, "version", "--json", NULL}, (char *[]){NULL});
    (void)dprintf(STDOUT_FILENO, "%s", strerror(errno));
    _exit(127);
}

static size_t read_some(int fd, char *out, size_t size) {
    size_t len = 0;
    for (ssize_t n = 1; len < size && (n > 0 || (n < 0 && errno == EINTR)); len += n > 0 ? (size_t)n : 0)
        n = read(fd, out + len, size - len);
    return len;
}

/* What it says of itself, as {"version", "database", ...}. */
static enum err ask(struct ctx *ctx, const char *path, json_t **out) {
    enum { SAID = 512 };
    char said[SAID + 1];
    int ends[2], status = -1;
    if (pipe(ends) != 0) return fault_errno(&ctx->fault, ERR_INTERNAL, "pipe");
    (void)signal(SIGCHLD, SIG_DFL); /* ignored, as a web server may hand it on, it would keep the status from us */
    pid_t child = fork();
    if (child == 0) become(arena_text(ctx->arena, "%s", path), ends[1]);
    (void)close(ends[1]);
    size_t len = read_some(ends[0], said, SAID);
    (void)close(ends[0]);
    said[len] = '\0';
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (status == 0 && jsn_parse(out, said, len, &ctx->fault) == ERR_OK) return ERR_OK;
    return fault_set(&ctx->fault, ERR_UPGRADE, "polycircle.new does not run here (status %d: %.200s): take the one for this host.",
                     status, said);
}

/* 1.2.3 as a number that can be compared; what is no number counts as 0. */
static int64_t rank(const char *version) {
    int64_t n = 0;
    for (int part = 0; part < 3; part++) {
        char *end;
        unsigned long value = strtoul(version, &end, 10);
        n = n * 100000 + (int64_t)(value % 100000);
        version = *end == '.' ? end + 1 : end;
    }
    return n;
}

static enum err ask_version(struct ctx *ctx, struct upgrade *u) {
    json_t *about = NULL;
    TRY(ask(ctx, u->next, &about));
    TRY(jsn_text(about, "version", 1, 32, &u->version, &ctx->fault));
    TRY(jsn_int(about, "database", 0, INT_MAX, &u->database, &ctx->fault));
    if (rank(u->version) >= rank(PACKAGE_VERSION)) return ERR_OK;
    const char *advice = u->database < store_form() ? "Its polycircle.db is older, too: also put back the copy in backups/."
                                                    : "It understands the present polycircle.db.";
    return fault_set(&ctx->fault, ERR_UPGRADE,
                     "polycircle.new is version %s, older than this one (%s). To go back on purpose, rename it (or polycircle.old) "
                     "by hand to the name of this program, and set its mode to 0755. %s",
                     u->version, PACKAGE_VERSION, advice);
}

static enum err find(struct ctx *ctx, struct upgrade *u) {
    char path[PATH_MAX];
    if (!file_program(path, sizeof path))
        return fault_set(&ctx->fault, ERR_UPGRADE, "This program was replaced a moment ago, or /proc is not there: try again.");
    const char *dir = file_folder(ctx->arena, path);
    u->program = arena_text(ctx->arena, "%s", path);
    u->next = arena_path(ctx->arena, dir, "polycircle.new");
    u->old = arena_path(ctx->arena, dir, "polycircle.old");
    return ERR_OK;
}

static enum err inspect(struct ctx *ctx, int fd, int64_t size) {
    if (!*RELEASE_KEY)
        return fault_set(&ctx->fault, ERR_UPGRADE,
                         "This program was built without a release key and cannot tell whose polycircle.new is: put it in place by "
                         "hand, by renaming it.");
    if (!upgrade_signed(fd, size, RELEASE_KEY))
        return fault_set(
            &ctx->fault, ERR_UPGRADE,
            "polycircle.new does not end with the signature of the release key: upload it again, whole and in binary mode.");
    if (!same_machine(fd))
        return fault_set(&ctx->fault, ERR_UPGRADE, "polycircle.new is for another processor: take the other archive.");
    if (fchmod(fd, 0755) != 0) return fault_errno(&ctx->fault, ERR_UPGRADE, "polycircle.new: mode 0755");
    return ERR_OK;
}

enum err upgrade_check(struct ctx *ctx, struct upgrade *out) {
    struct file_id id;
    *out = (struct upgrade){0};
    TRY(find(ctx, out));
    int fd = file_open(out->next, &id);
    if (fd < 0)
        return fault_set(&ctx->fault, ERR_UPGRADE, "First upload the new program as %.200s, then try again. (%s)", out->next,
                         strerror(errno));
    enum err e = inspect(ctx, fd, id.size);
    (void)close(fd);
    TRY(e);
    return ask_version(ctx, out);
}

/* Never opened for writing: a program that runs cannot be (ETXTBSY). At each moment one whole program has the name. Of two at once
 * one finds no polycircle.new any more, and leaves polycircle.old as the other has made it. */
static bool put_in_place(struct ctx *ctx, const struct upgrade *u) {
    const char *kept = arena_text(ctx->arena, "%s.%d", u->old, (int)getpid());
    (void)unlink(kept);
    bool done = file_sync(u->next) && link(u->program, kept) == 0 && rename(u->next, u->program) == 0 && rename(kept, u->old) == 0;
    int why = errno;
    (void)unlink(kept); /* it is still there if nothing came of it, or if polycircle.old was the same file */
    errno = why;
    return done;
}

enum err upgrade_activate(struct ctx *ctx, struct upgrade *out) {
    TRY(upgrade_check(ctx, out));
    if (!put_in_place(ctx, out))
        return fault_set(&ctx->fault, ERR_FILES, "Rename %.200s by hand: it could not be put in place. (%s)", out->next,
                         strerror(errno));
    (void)chmod(out->old, 0600); /* in a cgi-bin it would go on answering, with the faults that it was replaced for */
    const char *dir = arena_copy(ctx->arena, out->next, (size_t)(strrchr(out->next, '/') - out->next) + 1);
    (void)file_sync(dir);
    return ERR_OK;
}
