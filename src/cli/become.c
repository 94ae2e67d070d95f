/* Root runs a command by hand, or by cron, on an instance that is another user's: what it makes there must be that user's, or the
 * program can neither lock nor write it, and what he may have put in its way (links) must not be root's to follow. So the command
 * goes on as that user, in his groups. */
#include "cli/cli.h"
#include <grp.h>
#include <pwd.h>

enum { GROUPS = 64 };

/* Not by getpwuid() and initgroups(): a static program has no libraries to ask with. */
static const char *user(struct arena *a, uid_t uid, gid_t *group) {
    FILE *f = fopen("/etc/passwd", "re");
    struct passwd *p = NULL;
    while (f && (p = fgetpwent(f)) && p->pw_uid != uid) continue;
    const char *name = p ? arena_text(a, "%s", p->pw_name) : "";
    if (p) *group = p->pw_gid;
    if (f) (void)fclose(f);
    return name;
}

static size_t groups_of(const char *name, gid_t groups[static GROUPS], size_t n) {
    FILE *f = fopen("/etc/group", "re");
    for (struct group *g; f && n < GROUPS && (g = fgetgrent(f));)
        for (char **m = g->gr_mem; *m && n < GROUPS; m++)
            if (strcmp(*m, name) == 0) groups[n++] = g->gr_gid;
    if (f) (void)fclose(f);
    return n;
}

enum err cli_become(struct cli *cli) {
    struct stat st;
    gid_t groups[GROUPS];
    if (geteuid() != 0 || stat(cli->data, &st) != 0 || st.st_uid == 0) return ERR_OK;
    groups[0] = st.st_gid;
    const char *name = user(cli->ctx.arena, st.st_uid, &groups[0]);
    size_t n = groups_of(name, groups, 1);
    if (setgroups(n, groups) == 0 && setgid(groups[0]) == 0 && setuid(st.st_uid) == 0) return ERR_OK;
    return fault_set(&cli->ctx.fault, ERR_READ_ONLY, "%.150s is another user's (%ld): run this as that user. (%s)", cli->data,
                     (long)st.st_uid, strerror(errno));
}
