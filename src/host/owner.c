#include "host/owner.h"
#include "host/trouble.h"
#include <sodium.h>

enum { CODE_BYTES = 16, CODE_LETTERS = 26, CODE_FILE = 64 };
static const char setup_code[] = "setup-code", owner_code[] = "owner-code";
/* Crockford's base32: no i, l, o, u; what looks like one of them is read as what it looks like. */
static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

static bool there(struct ctx *ctx, const char *data, const char *name) {
    struct stat st;
    return lstat(arena_path(ctx->arena, data, name), &st) == 0;
}

enum owner owner_state(struct ctx *ctx, const char *data) {
    if (there(ctx, data, owner_code)) return OWNER_SET;
    if (errno == EACCES) return OWNER_SHUT;
    if (there(ctx, data, setup_code)) return OWNER_OPEN;
    return there(ctx, data, "polycircle.db") ? OWNER_SET : OWNER_FRESH;
}

bool owner_apart(void) {
    struct stat program;
    return stat("/proc/self/exe", &program) != 0 || program.st_uid != geteuid();
}

/* A code's line, in groups of four. */
static const char *make_code(struct arena *arena) {
    uint8_t raw[CODE_BYTES];
    struct buf out = {.arena = arena};
    randombytes_buf(raw, sizeof raw);
    char *code = digits_text(arena, raw, sizeof raw, letters);
    for (const char *at = code; at < code + CODE_LETTERS; at += 4) buf_format(&out, "%s%.4s", at > code ? "-" : "", at);
    buf_text(&out, "\n");
    sodium_memzero(raw, sizeof raw);
    sodium_memzero(code, CODE_LETTERS);
    return out.data;
}

const char *owner_told(struct ctx *ctx, const char *data, const char *text) {
    struct buf out = {.arena = ctx->arena};
    for (const char *at; *data && (at = strstr(text, data)); text = at + strlen(data)) {
        buf_add(&out, text, (size_t)(at - text));
        buf_text(&out, file_name(data));
    }
    buf_text(&out, text);
    return owner_shown(ctx, out.data);
}

const char *owner_shown(struct ctx *ctx, const char *text) {
    static const char hidden[] = "polycircle-data-";
    struct buf out = {.arena = ctx->arena};
    for (const char *tail; (tail = strstr(text, hidden)); text = tail + strspn(tail, "0123456789abcdef")) {
        tail += sizeof hidden - 1;
        buf_add(&out, text, (size_t)(tail - text));
        buf_text(&out, "...");
    }
    buf_text(&out, text);
    return out.data;
}

static enum err put(struct ctx *ctx, const char *path, const char *text) {
    if (file_make(path, text, strlen(text), 0600) || errno == EEXIST) return ERR_OK;
    return fault_errno(&ctx->fault, trouble_error(errno), path);
}

enum err owner_open(struct ctx *ctx, const char *data) {
    enum owner state = owner_state(ctx, data);
    if (state == OWNER_OPEN || state == OWNER_SET) return ERR_OK;
    if (!directory_make(data)) return fault_errno(&ctx->fault, trouble_error(errno), data);
    return put(ctx, arena_path(ctx->arena, data, setup_code), make_code(ctx->arena));
}

enum err owner_lock(struct ctx *ctx, const char *data) {
    if (owner_state(ctx, data) != OWNER_SET || there(ctx, data, owner_code)) return ERR_OK;
    return put(ctx, arena_path(ctx->arena, data, owner_code), make_code(ctx->arena));
}

/* The code as it stands in its file, without the line's end; NULL when anybody else may have put it there. */
static const char *read_code(struct ctx *ctx, const char *data, const char *name) {
    struct stat file, folder;
    const char *path = arena_path(ctx->arena, data, name);
    if (stat(path, &file) != 0 || stat(data, &folder) != 0) return NULL;
    if ((file.st_uid != geteuid() && file.st_uid != folder.st_uid) || (file.st_mode & S_IWOTH)) return NULL;
    char *text = file_text(ctx->arena, path, CODE_FILE);
    if (text) text[strcspn(text, "\r\n")] = '\0';
    return text;
}

/* Nobody's code fits then: the way out is another file. */
static enum err unreadable(struct ctx *ctx, const char *name) {
    return fault_set(&ctx->fault, ERR_WRONG_CODE,
                     "The program cannot read a code in its file %s: delete that file by FTP and load this page again, then there "
                     "is a new one.",
                     name);
}

static size_t plain(const char *code, char out[static CODE_FILE]) {
    size_t n = 0;
    memset(out, 0, CODE_FILE);
    for (; *code && n < CODE_FILE; code++) {
        char c = (char)tolower((unsigned char)*code);
        if (strchr("- \t\r\n", c)) continue;
        out[n++] = (char)(c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c);
    }
    return n;
}

enum err owner_check(struct ctx *ctx, const char *data, enum owner state, const char *code) {
    char want[CODE_FILE], got[CODE_FILE];
    const char *name = state == OWNER_OPEN ? setup_code : owner_code, *kept = read_code(ctx, data, name);
    bool whole = kept && plain(kept, want) >= CODE_LETTERS;
    size_t n = plain(code, got);
    bool same = whole && sodium_memcmp(want, got, sizeof want) == 0;
    sodium_memzero(want, sizeof want);
    sodium_memzero(got, sizeof got);
    if (same) return ERR_OK;
    if (!whole && there(ctx, data, name)) return unreadable(ctx, name);
    return fault_set(&ctx->fault, ERR_WRONG_CODE, "This is not the code that stands in the file %s of the folder polycircle-data%s",
                     name, n == CODE_LETTERS ? "." : ": that has 26 letters and digits.");
}

enum err owner_close(struct ctx *ctx, const char *data, bool anew, const char **code) {
    const char *path = arena_path(ctx->arena, data, owner_code), *next = arena_path(ctx->arena, data, "owner-code.new");
    if (anew || !there(ctx, data, owner_code)) {
        (void)unlink(next);
        TRY(put(ctx, next, make_code(ctx->arena)));
        if (rename(next, path) != 0) return fault_errno(&ctx->fault, ERR_FILES, path);
    }
    *code = read_code(ctx, data, owner_code);
    (void)unlink(arena_path(ctx->arena, data, setup_code));
    return *code ? ERR_OK : fault_set(&ctx->fault, ERR_FILES, "%.200s cannot be read.", path);
}

enum err owner_renew(struct ctx *ctx, const char *data, const char **code) {
    TRY(store_begin(ctx->store, MAIN, true)); /* before the file, behind which there is no way back */
    TRY(setting_put(ctx, "exposed_code", ""));
    TRY(owner_close(ctx, data, true, code));
    if (store_commit(ctx->store, MAIN) != ERR_OK) store_rollback(ctx->store); /* the new code counts; the console asks once more */
    return ERR_OK;
}

/* The file whose code a proof stands for. */
static const char *proved(struct ctx *ctx, const char *data) {
    return owner_state(ctx, data) == OWNER_OPEN ? setup_code : owner_code;
}

enum err owner_proof(struct ctx *ctx, const char *data, const char *nonce, const char **name) {
    uint8_t hash[16];
    const char *code = read_code(ctx, data, proved(ctx, data));
    if (!code || !*code) return unreadable(ctx, proved(ctx, data));
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)nonce, strlen(nonce), (const uint8_t *)code, strlen(code));
    *name = arena_text(ctx->arena, "polycircle-%s.txt", hex_text(ctx->arena, hash, 8));
    return ERR_OK;
}

/* Of our own user, or of whom at belongs to: a regular file that has no other name, for a link to somebody else's would do. */
static bool put_there(struct ctx *ctx, const char *dir, const char *name, const char *at) {
    struct stat file, owner;
    bool known = lstat(arena_path(ctx->arena, dir, name), &file) == 0 && stat(at, &owner) == 0;
    return known && S_ISREG(file.st_mode) && file.st_nlink == 1 && file.st_size == 0 &&
           (file.st_uid == geteuid() || file.st_uid == owner.st_uid);
}

enum err owner_proved(struct ctx *ctx, const char *data, const char *dir, const char *nonce, const char **code) {
    const char *name = "";
    TRY(owner_proof(ctx, data, nonce, &name));
    bool beside = put_there(ctx, dir, name, "/proc/self/exe"), inside = put_there(ctx, data, name, data);
    if (!beside && !inside)
        return fault_set(
            &ctx->fault, ERR_WRONG_CODE,
            "There is no file %s of yours yet, neither beside the program nor in the folder of the data. Look at its whole "
            "name there: some computers add a second .txt, and do not show it.",
            name);
    *code = read_code(ctx, data, proved(ctx, data));
    (void)unlink(arena_path(ctx->arena, beside ? dir : data, name));
    return *code ? ERR_OK : unreadable(ctx, proved(ctx, data));
}
