/* Where this program finds its data. */
#pragma once

/* Given (--data), else POLYCIRCLE_DATA, else by where the program lies. Dropped into a cgi-bin or a folder of a site: the table of
 * places in data.c, and DESIGN 5. In any other place $XDG_DATA_HOME/polycircle or ~/.local/share/polycircle. Never NULL; kept until
 * the next call. Makes nothing, so until something is there each call may draw another name. */
const char *data_directory(const char *given);
/* The same, before something is made in it: a drawn name is made at once, and of several processes one wins. */
const char *data_claim(const char *given);

/* What the search goes by; "": not known. */
struct data_hints {
    const char *given, *variable; /* --data, POLYCIRCLE_DATA */
    const char *program; /* the program's own path */
    const char *root; /* the document root, without symbolic links, as a web server says it; a shell does not */
    const char *xdg, *home; /* XDG_DATA_HOME, HOME */
};
/* data_directory() by these. */
const char *data_find(const struct data_hints *h);
