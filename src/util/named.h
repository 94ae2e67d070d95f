/* What folders are called: a host's, which tell where a site begins, and those that this program makes in one. */
#pragma once
#include "util/libc.h"

/* What hosts call a document root: public_html, htdocs, ... NULL behind the last. */
extern const char *const named_roots[];
bool named_root(const char *name);
/* Cuts a path off behind the outermost folder in it that is called so and that we may write: then it may be a site of the same
 * account, while the host's own (/var/www) is nobody's. false: there is none, and the path is as it was. */
bool named_site(char *path);
/* A folder for programs: cgi-bin, ... */
bool named_cgi(const char *name);
/* Data of ours in a folder that is served: polycircle-data-<32 hex>. */
bool named_hidden(const char *name);
/* What tells that a folder is a data directory, the stronger first, each with a slash before it; NULL behind the last: an instance;
 * one that has lost its database; set-up has begun. */
extern const char *const named_marks[];
/* Is the folder fd, of this name, a data directory? By its name (polycircle-data, or a hidden one), or by a mark in it that can be
 * one: a file with something in it, of the folder's owner or ours, that others may not read. What a visitor uploads to a site is
 * empty if he can make no more, or is to be served. */
bool named_data(int fd, const char *name);
