/* Every limit of the program, in one table; doc/PROTOCOL.md 1.4 says the same in words. */
#pragma once
enum cap {
    CAP_BODY = 122880, /* bytes of a request body on the wire */
    CAP_DRAIN = 8 << 20, /* bytes of a refused body that are still read away */
    CAP_KEY = 64, /* characters of an api key */
    CAP_PARAMETERS = 16, /* of a query, in which one is looked for */
    CAP_ID = 16, /* characters of a client's message or offer id */
    CAP_SDP = 1024, /* characters of a packed offer */
    CAP_MAIL_BODY = 8192,
    CAP_MAIL_REQUEST = 8, /* mails in one request */
    CAP_ANSWER = 2048, /* bytes of a mail that is read first */
    CAP_MAIL_READ = 64, /* mails in one answer, */
    CAP_MAIL_OTHERS = 16, /* so many of them that answer no offer */
    CAP_MAIL_WAITING = 64, /* of neighbours for one signal, and of strangers, */
    CAP_MAIL_NET = 8, /* each from one IPv4 address or /64, */
    CAP_MAIL_WIDER = 16, /* one /24 or /56, */
    CAP_MAIL_WIDEST = 24, /* one /48 */
    CAP_MAIL_SENT = 64, /* mails under way from one signal */
    CAP_MAIL_SENDER = 64 << 10, /* and their bytes: a whole request's */
    CAP_BOX = 16 << 10, /* bytes of the mail in a box: 40 answers */
    CAP_MAIL_CIRCLE = 64 << 20, /* those in a circle; as many again are kept free for answers to offers */
    CAP_OFFERS = 3,
    CAP_MEDIA = 256, /* have or want entries; media ids of a signal */
    CAP_GONE = 16, /* dead links named in one request */
    CAP_CLAIM = 3, /* offers claimed by one join */
    CAP_ROSTER = 200, /* signals shown */
    CAP_SIGNALS = 10000, /* signals a circle */
    CAP_SWEEP = 100, /* signals removed by one request */
    CAP_SWEEP_ROWS = 400, /* and rows that signals have left, whatever they are */
    CAP_FILES = 65536, /* media a circle */
    CAP_MANIFEST = 64 << 20, /* bytes of a manifest, unpacked: no client takes more (htdocs/content/manifest.js) */
    CAP_PATH = 1024, /* bytes of a media's path */
    CAP_PATTERN = 200, /* of a pattern of paths that are left out */
    CAP_EXCLUDE = 4096, /* of all of them */
    CAP_MIRROR = 1 << 20, /* bytes of one mirror answer */
    CAP_STAT = 512, /* files looked at by one manifest request */
    CAP_REFUSED = 50, /* refused origins remembered a circle: those that asked most */
    CAP_FOLDERS = 500, /* folders in one answer to the owner */
    CAP_PROGRAM = 64 << 20, /* bytes of a new program */
    CAP_ORIGINS = 64, /* origins allowed a circle */
};

/* Times in milliseconds. */
enum span {
    SPAN_GREETER_LEASE = 90 * 1000,
    SPAN_BOX_LEASE = 120 * 1000, /* of a greeter that reads a box, and syncs when half of it is over */
    SPAN_SPOOL = 5 * 1000, /* rosters in the spool are not newer than that */
    SPAN_LOADER = 240 * 1000, /* a browser keeps a loader for so long */
    SPAN_BOX_SWEEP = 60 * 1000,
    SPAN_BOX_OLD = 300 * 1000, /* a box that was not written for so long is nobody's */
    SPAN_PEER_LEASE = 40 * 60 * 1000,
    SPAN_PEER_DUE = 20 * 60 * 1000,
    SPAN_NEWCOMER_DUE = 60 * 1000,
    SPAN_SPOKE = 5000,
    SPAN_HANDOVER = 3000, /* who was a greeter comes once more, for the answers under way to it */
    SPAN_OFFER = 120 * 1000,
    SPAN_MAIL = 90 * 1000,
    SPAN_MAIL_AFTER_DUE = 30 * 1000,
    SPAN_ACTIVE = 60 * 1000, /* a circle is active so long after a join */
    SPAN_ACTIVE_MIN = 1000,
    SPAN_QUIET_MIN = 2000,
    SPAN_REJOIN = 5000, /* rejoins are spread over this */
    SPAN_FOLD = 60 * 1000,
    SPAN_BUSY = 5000,
    SPAN_RESCAN = 10 * 60 * 1000, /* a published folder is walked again in the background */
    SPAN_BACKUP_LOOK = 60 * 1000, /* looked whether the day's backup is there */
    SPAN_BACKUP_AGAIN = 60 * 60 * 1000, /* tried again after a failure */
    SPAN_RESTORE_AGAIN = 5 * 60 * 1000, /* the same of a polycircle.restore */
    SPAN_UPLOAD = 10 * 1000, /* a file that was written to so recently may still grow */
    SPAN_PACKAGE = 24 * 60 * 60 * 1000, /* a package that another one has replaced: loaders that name it may lie in caches */
    SPAN_ANSWER = 25 * 1000, /* no answer takes longer */
    SPAN_REFUSED = 7 * 24 * 60 * 60 * 1000, /* refused origins that ask no more */
    SPAN_WORD = 60 * 60 * 1000, /* that a network's greeters are dead */
    SPAN_DAY = 24 * 60 * 60 * 1000,
};

static const int64_t SPAN_KEPT = 30LL * SPAN_DAY; /* the hashes of what was withdrawn */

enum {
    POLL_BUDGET = 2, /* dynamic requests a second for the greeters of a circle */
    GREETERS_MAX = 8,
    MAIL_SHARE = 16, /* a whole network has room for one in so many bytes of a circle's mail */
    GREETERS_SHARE = 4, /* a network has places of its own for one in so many of them */
    WORDS_HEARD = 3, /* so many networks' word that a greeter is dead puts it behind others, each time, whatever it says itself */
    BACKUPS_KEPT = 7, /* daily ones; as many of those that another one of the day has replaced */
    GREETERS_COUNTED = 60, /* in a crowd all who wait are greeters; so none of them polls less than twice a minute */
};
