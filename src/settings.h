/* Where this program finds its data. */
#pragma once
/* Given (--data), else POLYCIRCLE_DATA, else by where the program lies. Dropped into a cgi-bin or a folder of a site:
 * the polycircle-data that is there, else polycircle-data outside the document root (DESIGN 5), else, where that cannot be
 * written, polycircle-data-<32 random hex> beside the program: read from the folder from then on. In any other place
 * $XDG_DATA_HOME/polycircle or ~/.local/share/polycircle. Never NULL; kept until the next call. Makes nothing, so until
 * something is there each call may draw another name. */
const char *data_directory(const char *given);
/* The same, before something is made in it: a drawn name is made at once, and of several processes one wins. */
const char *data_claim(const char *given);
