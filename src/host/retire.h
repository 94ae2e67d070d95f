/* The end of an instance: it stays where it is and answers every browser with what takes its worker away. */
#pragma once
#include "circle/ctx.h"

/* From now on dispatch() says farewell; all signals end. ctx->store is open with its live database. */
enum err retire(struct ctx *ctx);
/* Answers as before. */
enum err retire_undo(struct ctx *ctx);

/* text without the lines from "# BEGIN polycircle" to "# END polycircle", both included, in place; returns the new length.
 * A block without an end stays. */
size_t retire_block(char *text, size_t len);
/* Takes what set-up put into the document root out again: the spool's directory, our block of each .htaccess, and one
 * of these that holds nothing else. *out: the path of each thing taken, as it can be shown. dry: would be taken. */
enum err retire_files(struct ctx *ctx, bool dry, struct texts *out);
