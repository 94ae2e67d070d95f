#include "host/trouble.h"
#include "host/owner.h"
#include "util/trial.h"
#include <grp.h>
#include <pwd.h>

/* What is seen at the folder of the data, or where it is to be made at the folder above. */
enum {
    FULL = 1,
    FROZEN = 2, /* mounted for reading only */
    ABSENT = 4, /* not even the folder above is there */
    BLOCKED = 8, /* a file is in its place */
    THERE = 16, /* the folder of the data itself */
    MINE = 32, /* the user as whom the program runs owns it */
    OPEN = 64, /* its mode lets its owner in */
    GROUP = 128, /* that user is in its group, and its mode keeps the group out */
    FILE_SHUT = 512, /* the folder takes files, but polycircle.db in it is closed to the program */
    OURS = 256, /* the program's file is that user's: so is what the owner makes by FTP */
};

#define HOST                                                                                                                   \
    "Send the host this sentence: \"My CGI programs run as {user}, and my files belong to {owner}. Please let them run as me " \
    "(suEXEC), or "
#define RESTORE "Rename it to polycircle.restore, and put it beside polycircle.db: the next visit puts it back."
#define PERMISSIONS " In an FTP program a right click on it has \"File permissions\", in the panel's file manager \"Permissions\"."
#define ALONE "On a server that is yours alone the mode 0777 does as well, for this one folder."

/* The first row that fits. met: ERR_OK: by what is seen. {name}s are filled in; a text that is not there is the error's own. */
static const struct row {
    enum err met;
    unsigned seen;
    const char *title, *text, *steps[TROUBLE_STEPS];
} rows[] = {
    {ERR_NEWER,
     0,
     "The database is of a newer version than this program",
     NULL,
     {"Upload the newer polycircle.fcgi again: in binary mode, with the mode 0755.",
      "To stay with this one: of the copies polycircle-vN.db in the folder backups of {folder} the one whose number this program "
      "knows. " RESTORE}},
    {ERR_DAMAGED,
     0,
     "The database is damaged",
     NULL,
     {"Copy the whole folder {folder} home by FTP first, as it is.",
      "In its folder backups lie polycircle-DATE.db: take the newest. " RESTORE,
      "There is none? The host may have a copy of that folder of a day before: ask for it."}},
    {ERR_BUSY,
     0,
     "The database is in use",
     NULL,
     {"Wait a minute, and load this page again.",
      "When it stays so, a process of the program hangs: end it in the panel (often \"Process Manager\"), or ask the host to."}},
    {ERR_NOT_FOUND, 0, "There is nothing at this address", "The program has no page of this name.", {NULL}},
    {ERR_HOST_UNKNOWN,
     0,
     "This address is not known here",
     "The program answers only for the addresses that it was set up with.",
     {"Open it at the address with which it was set up, perhaps with or without www.",
      "Should it have this one, too: open the console by the link below, and press \"Add it\" there (with a shell: polycircle url "
      "add URL)."}},
    {ERR_NOT_SET_UP, 0, "Nothing is set up here yet", "The set-up page does it, in a few minutes.", {NULL}},
    {ERR_REMOVED, 0, "This instance has ended", NULL, {"It can be taken back in the console, with \"Undo the end\"."}},
    {ERR_OK,
     FULL,
     "The disk is full",
     "Nothing more can be written into {folder} ({why}).",
     {"Free some space: delete by FTP or in the file manager what is no longer needed. Old backups and logs of the site are mostly "
      "the largest. The panel says how much is used, often as \"Disk Usage\", and whether the number of files (inodes) is limited.",
      "When the panel says that there is space, the host's own disk is full: ask the host."}},
    {ERR_OK,
     FROZEN,
     "The host's disk takes nothing at the moment",
     "{folder} lies on a disk that is mounted for reading only ({why}).",
     {"Wait a few minutes: hosts do so for repairs.",
      "When it stays so, send the host this sentence: \"The file system of {folder} is mounted read-only for my CGI programs. "
      "Please make it writable, or name a folder to me that they may write.\"",
      "In such a folder the data may lie, too: a wrapper of two lines names it (guide.txt, section 3)."}},
    {ERR_OK,
     BLOCKED,
     "A file is in the place of the data",
     "{folder} is to be a folder, and is a file.",
     {"Rename that file by FTP, or delete it."}},
    {ERR_OK,
     ABSENT,
     "The place for the data is not there",
     "The data are to lie in {folder}, and {parent}, which is to hold that, is not there.",
     {"Make that folder by FTP.",
      "Or put the name right: POLYCIRCLE_DATA says it, in a wrapper or the web server's configuration (guide.txt, section 3)."}},
    {ERR_OK,
     FILE_SHUT | MINE,
     "The program may not write into its own database",
     "polycircle.db belongs to {user}, as whom the program runs, but its mode is {mode}.",
     {"Set the mode of polycircle.db in {folder} to 0600."}},
    {ERR_OK,
     FILE_SHUT,
     "The database belongs to somebody else",
     "polycircle.db belongs to {owner} and has the mode {mode}; the program runs as {user}.",
     {HOST "give polycircle.db in {folder} to {user}.\" With a shell: chown {user} {name}/polycircle.db"}},
    {ERR_OK,
     THERE | MINE | OPEN,
     "The host does not let the program write",
     "{folder} belongs to {user}, as whom the program runs, and has the mode {mode}; all the same it may not ({why}).",
     {"Send the host this sentence: \"My CGI program, which runs as {user}, gets '{why}' when it makes a file in {folder}. The "
      "folder is its own. What forbids it?\""}},
    {ERR_OK,
     THERE | MINE,
     "The program may not write into its own folder",
     "{folder} belongs to {user}, as whom the program runs, but its mode is {mode}.",
     {"Set the mode of {folder} to 0700: its owner may read, write and enter, nobody else." PERMISSIONS}},
    {ERR_OK,
     THERE | GROUP,
     "The program may not write into the folder of the data",
     "{folder} belongs to {owner} and has the mode {mode}; the program runs as {user}, who is in the group of that folder.",
     {HOST "give {folder} to {user}.\"", "Where nobody else is in that group: set the mode of {folder} to 0770." PERMISSIONS
                                         " In a group of all customers each of them "
                                         "could read and change what is in it."}},
    {ERR_OK,
     THERE,
     "The folder of the data belongs to somebody else",
     "{folder} belongs to {owner} and has the mode {mode}; the program runs as {user}, who may not write there.",
     {"Is it empty? Then delete it by FTP: the program makes one of its own, where it may.",
      HOST "give {folder} to {user}.\" With a shell: chown {user} {name}; chmod 0700 {name}", ALONE}},
    {ERR_OK,
     MINE,
     "The program may not make the folder of its data",
     "It is to be {folder}. What is to hold it, {parent}, belongs to {user}, as whom the program runs, but its mode is {mode} "
     "({why}).",
     {"Set the mode of {parent} to 0755." PERMISSIONS}},
    {ERR_OK,
     OURS,
     "The program may not make the folder of its data",
     "It is to be {folder}. What is to hold it, {parent}, belongs to {owner}; the program runs as {user}, who may not write there.",
     {"Make the folder {name} there yourself, by FTP or in the panel's file manager, with the mode 0700.",
      "When you may not, either: the data may lie in any other folder of yours, which a wrapper of two lines names (guide.txt, "
      "section 3)."}},
    {ERR_OK,
     0,
     "The program may not make the folder of its data",
     "It is to be {folder}. What is to hold it, {parent}, belongs to {owner}; the program runs as {user}, who may not write there "
     "({why}).",
     {HOST "make a folder {folder} that belongs to {user}.\"",
      "On a server that is yours alone: make the folder {name} by FTP, and set its mode to 0777.",
      "With a shell, in {parent}: install -d -m 0700 -o {user} {name}"}},
    {ERR_READ_ONLY,
     0,
     "The data cannot be written",
     NULL,
     {"Set the mode of the folder {folder} to 0700, and of the files in it to 0600."}},
};

enum err trouble_error(int why) {
    static const struct {
        int why;
        enum err error;
    } errors[] = {{ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}, {EACCES, ERR_READ_ONLY}, {EPERM, ERR_READ_ONLY},
                  {EROFS, ERR_READ_ONLY},  {ENOENT, ERR_READ_ONLY}, {ENOTDIR, ERR_READ_ONLY}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].why == why) return errors[i].error;
    return ERR_FILES;
}

/* Where nothing can be written, and why. */
struct sight {
    const char *data, *parent;
    struct stat at; /* of the folder in question; all zero: it cannot be looked at */
    unsigned seen;
    int why;
};

static bool in_group(gid_t gid) {
    gid_t all[NGROUPS_MAX];
    int n = getgroups(NGROUPS_MAX, all);
    for (int i = 0; i < n; i++)
        if (all[i] == gid) return true;
    return getegid() == gid;
}

static unsigned by_errno(int why) {
    return why == ENOSPC || why == EDQUOT ? FULL : why == EROFS ? FROZEN : why == ENOTDIR ? BLOCKED : why == ENOENT ? ABSENT : 0;
}

static unsigned by_owner(const struct stat *at) {
    unsigned seen = at->st_uid == geteuid() ? MINE : 0;
    if ((at->st_mode & S_IRWXU) == S_IRWXU) seen |= OPEN;
    if (in_group(at->st_gid) && (at->st_mode & S_IRWXG) != S_IRWXG) seen |= GROUP;
    if (!owner_apart()) seen |= OURS;
    return seen;
}

/* Put there by FTP, it is somebody else's. */
static void look_at_file(struct ctx *ctx, struct sight *s) {
    const char *file = arena_path(ctx->arena, s->data, "polycircle.db");
    if (access(file, R_OK | W_OK) == 0 || errno == ENOENT) return;
    s->why = errno;
    s->seen |= FILE_SHUT;
    (void)stat(file, &s->at);
}

static struct sight unseen(struct ctx *ctx, const char *data) {
    const char *slash = strrchr(data, '/');
    return (struct sight){.data = data, .parent = slash > data ? arena_copy(ctx->arena, data, (size_t)(slash - data)) : "/"};
}

static void look(struct ctx *ctx, const char *data, struct sight *s) {
    enum { ROOM = 1 << 16 }; /* what polycircle.db begins with */
    bool there = stat(data, &s->at) == 0;
    if (!there && errno != ENOENT) {
        s->why = errno;
        (void)stat(s->parent, &s->at);
    } else if (!there && stat(s->parent, &s->at) != 0)
        s->why = errno;
    else
        s->why = trial_room(there ? data : s->parent, ROOM);
    s->seen = by_errno(s->why) | (there ? THERE : 0);
    if (there && !s->why) look_at_file(ctx, s);
    s->seen |= by_owner(&s->at);
}

/* A user as this machine calls it, else by number. Not by getpwuid(): a static program has no libraries to ask with. */
static const char *user(struct arena *a, uid_t uid) {
    FILE *f = fopen("/etc/passwd", "re");
    struct passwd *p = NULL;
    while (f && (p = fgetpwent(f)) && p->pw_uid != uid) continue;
    const char *name = p ? arena_text(a, "%s", p->pw_name) : arena_text(a, "user number %ld", (long)uid);
    if (f) (void)fclose(f);
    return name;
}

/* What lies in the folder that the owner knows by FTP: what leads from it to the program. NULL: the program is elsewhere. */
static const char *known_in(struct arena *a, const char *folder) {
    char path[PATH_MAX];
    size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (!file_program(path, sizeof path) || strncmp(path, folder, len) != 0 || path[len] != '/') return NULL;
    return arena_copy(a, path + len + 1, strcspn(path + len + 1, "/"));
}

/* Strangers read this, too: no path, but as much as its owner needs to find it. */
static const char *folder_told(struct ctx *ctx, const struct sight *s) {
    const char *name = file_name(owner_told(ctx, s->data, s->data)), *beside = known_in(ctx->arena, s->parent);
    return beside && strcmp(beside, file_name(s->data)) != 0 ? arena_text(ctx->arena, "%s beside %s", name, beside) : name;
}

static const char *parent_told(struct ctx *ctx, const struct sight *s) {
    const char *holds = known_in(ctx->arena, s->parent);
    return holds ? arena_text(ctx->arena, "the folder with %s in it", holds)
                 : arena_text(ctx->arena, "the folder %s", file_name(s->parent));
}

enum word { FOLDER, NAME, PARENT, USER, OWNER, MODE, WHY, WORDS };
static const char *const words[WORDS] = {"{folder}", "{name}", "{parent}", "{user}", "{owner}", "{mode}", "{why}"};

/* Each only where a text has it: who is who is looked up in a file. */
static const char *value(struct ctx *ctx, const struct sight *s, enum word word) {
    switch (word) {
    case FOLDER:
        return folder_told(ctx, s);
    case NAME:
        return file_name(owner_told(ctx, s->data, s->data));
    case PARENT:
        return parent_told(ctx, s);
    case USER:
        return user(ctx->arena, geteuid());
    case OWNER:
        return user(ctx->arena, s->at.st_uid);
    case MODE:
        return arena_text(ctx->arena, "%04o", (unsigned)s->at.st_mode & 07777);
    default:
        return strerror(s->why);
    }
}

static const char *fill(struct ctx *ctx, const struct sight *s, const char *text) {
    struct buf out = {.arena = ctx->arena};
    buf_text(&out, "");
    while (*text) {
        enum word word = 0;
        size_t n = strcspn(text, "{");
        buf_add(&out, text, n);
        text += n;
        while (*text && word < WORDS && strncmp(text, words[word], strlen(words[word])) != 0) word++;
        if (*text && word < WORDS) {
            buf_text(&out, value(ctx, s, word));
            text += strlen(words[word]);
        } else if (*text)
            buf_add(&out, text++, 1);
    }
    text_clean(out.data);
    return out.data;
}

/* Errors that what is seen may explain. */
static bool of_writing(enum err met) {
    return met == ERR_OK || met == ERR_READ_ONLY || met == ERR_DISK_FULL || met == ERR_FILES;
}

static const struct row *find(enum err met, const struct sight *s) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool seen = s->why && of_writing(met) && (s->seen & rows[i].seen) == rows[i].seen;
        if (rows[i].met ? rows[i].met == met : seen) return &rows[i];
    }
    return NULL;
}

void trouble_find(struct ctx *ctx, const char *data, enum err met, struct trouble *out) {
    struct sight s = unseen(ctx, data);
    static const struct row other = {.title = "This did not work"};
    if (of_writing(met)) look(ctx, data, &s);
    if (met == ERR_DISK_FULL && !(s.seen & FULL)) { /* there is room again, or for less than was wanted */
        s.why = ENOSPC;
        s.seen |= FULL;
    }
    const struct row *row = find(met, &s);
    *out = (struct trouble){.error = met ? met : row ? trouble_error(s.why) : ERR_OK};
    if (!row && !met) return;
    if (!row) row = &other;
    out->title = row->title;
    out->text = row->text ? fill(ctx, &s, row->text) : owner_told(ctx, data, err_text(met, &ctx->fault));
    for (size_t i = 0; i < TROUBLE_STEPS; i++) out->steps[i] = row->steps[i] ? fill(ctx, &s, row->steps[i]) : NULL;
}
