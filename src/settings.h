/* Where this program finds its data. */
#pragma once
/* Given (--data), else POLYCIRCLE_DATA, else by where the program lies: dropped into a cgi-bin it is
 * polycircle-data beside that, one further up when that is a document root (DESIGN 5: outside it); in any
 * other place $XDG_DATA_HOME/polycircle or ~/.local/share/polycircle. Never NULL; kept until exit. */
const char *data_directory(const char *given);
