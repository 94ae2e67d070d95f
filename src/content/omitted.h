/* What of a folder is not shared, and why: counted, and the first few of each reason named. Of any folder that is little. */
#pragma once
#include "circle/ctx.h"

/* A reason's name in JSON and in polycircle.db, and in words; what to do about it, where it is not as it should be. */
#define OMIT_TABLE(X)                                                                                                       \
    X(HIDDEN, hidden, "hidden, by a dot", "")                                                                               \
    X(LINK, link, "symbolic links", "")                                                                                     \
    X(EMPTY, empty, "empty files", "")                                                                                      \
    X(LARGE, large, "too large for a list", "")                                                                             \
    X(PROGRAM, program, "programs or settings of the host", "")                                                             \
    X(OWN, own, "folders of Polycircle's own files (by name, or by polycircle.db, owner-code or setup-code in them)", "")   \
    X(SPECIAL, special, "neither files nor folders", "")                                                                    \
    X(EXCLUDED, excluded, "named by a pattern of yours", "")                                                                \
    X(NAME, name, "names that are not UTF-8, too long or too deep", "give them other names")                                \
    X(UNREADABLE, unreadable, "not readable", "let the program's user read them: permissions 644 of files, 755 of folders") \
    X(YOUNG, young, "written in the last ten seconds",                                                                      \
      "in ten seconds press \"Read the folder again\", or the next visits take them")                                       \
    X(CHANGED, changed, "changed while they were read", "publish again")

#define OMIT_ENUM(id, name, text, cure) OMIT_##id,
enum omit { OMIT_TABLE(OMIT_ENUM) OMIT_REASONS, OMIT_NOT, OMIT_NOT_FOLDER, OMIT_NOTHING /* is there */ };
#undef OMIT_ENUM
enum { OMIT_NAMES = 3 };

struct omit_reason {
    const char *name, *text, *cure;
};
extern const struct omit_reason omit_reasons[OMIT_REASONS];

struct omitted {
    int64_t n;
    const char *names[OMIT_NAMES]; /* shown (jsn_shown); NULL behind the last */
};

/* One more, path, for a reason; a folder's path ends in '/'. */
void omit(struct arena *a, struct omitted all[static OMIT_REASONS], enum omit why, const char *path);
int64_t omitted_total(const struct omitted all[static OMIT_REASONS]);
/* As one text: "empty files: 2 (a, b); ..." */
const char *omitted_text(struct arena *a, const struct omitted all[static OMIT_REASONS], const char *between);

/* Those of a circle's walk, of all its steps; within the transaction of a step. */
enum err omitted_add(struct ctx *ctx, int64_t circle, const struct omitted all[static OMIT_REASONS]);
enum err omitted_get(struct ctx *ctx, int64_t circle, struct omitted all[static OMIT_REASONS]);
