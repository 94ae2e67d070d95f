/* The owner's proof: codes in files of the data directory that only who may read there can know.
 *
 * setup-code is made by the first look at the set-up page of a fresh instance and removed when set-up ends. owner-code is
 * made then, or by `polycircle init`; as long as it is there nothing can be set up anew, whatever else was deleted. */
#pragma once
#include "circle/ctx.h"

enum owner {
    OWNER_FRESH, /* nothing is there */
    OWNER_OPEN, /* set-up goes on: the code is setup-code's */
    OWNER_SET, /* set up: the code is owner-code's; or a polycircle.db that came without codes */
    OWNER_SHUT, /* the program may not look into the data directory: nothing is known */
};

enum owner owner_state(struct ctx *ctx, const char *data);
/* Does the program run as another user than its file belongs to? Then FTP does not open what the program keeps to itself. */
bool owner_apart(void);
/* A fresh instance becomes an open one: makes the data directory (0700) and setup-code. Does nothing when it is not fresh. */
enum err owner_open(struct ctx *ctx, const char *data);
/* One that is set up and whose owner-code is gone (deleted because nobody could read it, or never brought along with the
 * database) gets another. */
enum err owner_lock(struct ctx *ctx, const char *data);
/* A path of the data directory, or a text with such paths in it, without their names' random part (data.c): for whoever has not
 * shown a code. */
const char *owner_shown(struct ctx *ctx, const char *text);
/* The same, and of the path of the data directory only its name: for anybody. */
const char *owner_told(struct ctx *ctx, const char *data, const char *text);
/* Is it the code of this state? Compared in constant time, without case and dashes. ERR_WRONG_CODE when not. */
enum err owner_check(struct ctx *ctx, const char *data, enum owner state, const char *code);
/* Ends set-up, which owner_open() began, or did already: owner-code is there (made unless it was), setup-code is not. *code: it,
 * in groups. anew: another one. */
enum err owner_close(struct ctx *ctx, const char *data, bool anew, const char **code);
/* Another code, of an instance that is set up; that an earlier version may have given the one before away is over. */
enum err owner_renew(struct ctx *ctx, const char *data, const char **code);

/* The other proof, where FTP does not reach the code, or may not read it: who can put an empty file of this name beside the
 * program or into the data directory may know the code of this state. The name is derived from that code and a nonce of the
 * asking browser, so it is nobody else's. */
enum err owner_proof(struct ctx *ctx, const char *data, const char *nonce, const char **name);
/* Is that file beside the program (dir), a regular one of our own user or of the program's owner, or in data, of our own user or
 * of data's owner? Then it is removed, where that may be, and *code is the code. */
enum err owner_proved(struct ctx *ctx, const char *data, const char *dir, const char *nonce, const char **code);
