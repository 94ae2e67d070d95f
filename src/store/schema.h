/* The two schemas. polycircle.db is migrated from version to version (migrate.c holds the steps); the
 * live database is disposable and always made whole. Times are milliseconds since 1970 unless named s. */
#pragma once
#define SCHEMA_MAIN                                                                                                           \
    "CREATE TABLE instance(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"                                             \
    "CREATE TABLE base(url TEXT PRIMARY KEY, host TEXT NOT NULL) WITHOUT ROWID;"                                              \
    "CREATE INDEX base_host ON base(host);"                                                                                   \
    "CREATE TABLE circle(id INTEGER PRIMARY KEY, can TEXT NOT NULL UNIQUE, cid BLOB NOT NULL UNIQUE,"                         \
    " pad BLOB NOT NULL, api_key TEXT NOT NULL UNIQUE, secret_hash BLOB NOT NULL, sign_public BLOB NOT NULL,"                 \
    " sign_secret BLOB NOT NULL, roster TEXT NOT NULL, listed INTEGER NOT NULL, ice TEXT NOT NULL,"                           \
    " up_kbps INTEGER NOT NULL, created INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0);"                               \
    "CREATE TABLE origin(circle INTEGER NOT NULL, origin TEXT NOT NULL, PRIMARY KEY(circle, origin)) WITHOUT ROWID;"          \
    "CREATE TABLE media(circle INTEGER NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,"              \
    " mtime_s INTEGER NOT NULL, piece INTEGER NOT NULL, sha256 BLOB NOT NULL, place INTEGER NOT NULL,"                        \
    " PRIMARY KEY(circle, path)) WITHOUT ROWID; CREATE INDEX media_place ON media(circle, place);"                            \
    "CREATE TABLE manifest(circle INTEGER PRIMARY KEY, version INTEGER NOT NULL, dir TEXT NOT NULL,"                          \
    " url TEXT NOT NULL, signed TEXT NOT NULL, signature BLOB NOT NULL);"                                                     \
    "CREATE TABLE package(circle INTEGER PRIMARY KEY, basis BLOB NOT NULL, sha256 BLOB NOT NULL UNIQUE, body BLOB NOT NULL);" \
    "CREATE TABLE statistic(circle INTEGER NOT NULL, day INTEGER NOT NULL, name TEXT NOT NULL,"                               \
    " n INTEGER NOT NULL, PRIMARY KEY(circle, day, name)) WITHOUT ROWID;"

/* How a circle's visitors take part (p2p: on, ask, off), and the walk through its folder: job is what is walked, scan what
 * was found so far. kind: 0 to be looked at, 1 a directory to be listed, 2 a file, hashed up to byte `at`; state is SHA-256's
 * in the middle of a piece. finished: when; 0: it goes on. */
#define SCHEMA_MAIN_2                                                                                                         \
    "ALTER TABLE circle ADD COLUMN p2p TEXT NOT NULL DEFAULT 'on';"                                                           \
    "CREATE TABLE job(circle INTEGER PRIMARY KEY, dir TEXT NOT NULL, url TEXT NOT NULL, patient INTEGER NOT NULL,"            \
    " skipped INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0, hashed INTEGER NOT NULL DEFAULT 0,"             \
    " finished INTEGER NOT NULL DEFAULT 0);"                                                                                  \
    "CREATE TABLE scan(circle INTEGER NOT NULL, path TEXT NOT NULL, kind INTEGER NOT NULL, type TEXT NOT NULL DEFAULT '',"    \
    " size INTEGER NOT NULL DEFAULT 0, mtime_s INTEGER NOT NULL DEFAULT 0, piece INTEGER NOT NULL DEFAULT 0,"                 \
    " at INTEGER NOT NULL DEFAULT 0, state BLOB, sha256 BLOB NOT NULL DEFAULT x'', PRIMARY KEY(circle, path)) WITHOUT ROWID;" \
    "CREATE INDEX scan_work ON scan(circle, kind, path) WHERE kind < 2 OR at < size;"

/* Signing keys are files of their own now (store/keys.h), for every join read this row. What was there before may have been given
 * away: it is to be renewed, and so is the code of the console. */
#define SCHEMA_MAIN_3                                                   \
    "ALTER TABLE circle ADD COLUMN exposed INTEGER NOT NULL DEFAULT 0;" \
    "UPDATE circle SET exposed = 1 WHERE removed = 0;"                  \
    "ALTER TABLE circle DROP COLUMN sign_secret;"                       \
    "ALTER TABLE circle DROP COLUMN secret_hash;"                       \
    "INSERT INTO instance SELECT 'exposed_code', 1 FROM instance WHERE name = 'gen';"

/* The live database has another form from here on: the next generation is made, the one before it goes. */
#define SCHEMA_MAIN_4 "UPDATE instance SET value = value + 1 WHERE name = 'gen' AND value > 0;"

/* A hash belongs to a file of a folder: its inode and ctime, too (ino 0: an earlier version did not ask), dev is where it lay.
 * doubted: it was missing at the last walk, and that did not say for sure that it is gone. kept: hashes of what was withdrawn,
 * for a month. found is what scan was, by another name: a program of before that
 * goes on with its walk finds none. In job, counts of its rows (n: all of them), how many of them stand for a file that was not
 * found, and how far the search for such went: the last path; or, comparing, how far all is as it was
 * published; same: the walk that has finished found just that. Long columns stand
 * last, where what is small is read without them. A walk that goes on begins anew. */
#define SCHEMA_MAIN_5                                                                                                       \
    "DROP TABLE scan;"                                                                                                      \
    "CREATE TABLE found(circle INTEGER NOT NULL, path TEXT NOT NULL, kind INTEGER NOT NULL, type TEXT NOT NULL DEFAULT ''," \
    " size INTEGER NOT NULL DEFAULT 0, mtime_s INTEGER NOT NULL DEFAULT 0, dev INTEGER NOT NULL DEFAULT 0,"                 \
    " ino INTEGER NOT NULL DEFAULT 0, ctime_ns INTEGER NOT NULL DEFAULT 0, doubted INTEGER NOT NULL DEFAULT 0,"             \
    " piece INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL DEFAULT 0, state BLOB, sha256 BLOB NOT NULL DEFAULT x'',"       \
    " PRIMARY KEY(circle, path)) WITHOUT ROWID;"                                                                            \
    "CREATE INDEX found_work ON found(circle, kind, path) WHERE kind < 2 OR at < size;"                                     \
    "CREATE TABLE published(circle INTEGER NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,"        \
    " mtime_s INTEGER NOT NULL, dev INTEGER NOT NULL, ino INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,"                     \
    " doubted INTEGER NOT NULL, piece INTEGER NOT NULL, place INTEGER NOT NULL, sha256 BLOB NOT NULL,"                      \
    " PRIMARY KEY(circle, path)) WITHOUT ROWID;"                                                                            \
    "INSERT INTO published SELECT circle, path, type, size, mtime_s, 0, 0, 0, 0, piece, place, sha256 FROM media;"          \
    "DROP TABLE media;"                                                                                                     \
    "ALTER TABLE published RENAME TO media;"                                                                                \
    "CREATE INDEX media_place ON media(circle, place);"                                                                     \
    "CREATE TABLE kept(circle INTEGER NOT NULL, dir TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,"              \
    " mtime_s INTEGER NOT NULL, ino INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, sha256 BLOB NOT NULL,"                     \
    " until INTEGER NOT NULL, PRIMARY KEY(circle, dir, path)) WITHOUT ROWID;"                                               \
    "CREATE INDEX kept_until ON kept(circle, until);"                                                                       \
    "ALTER TABLE job ADD COLUMN n INTEGER NOT NULL DEFAULT 0;"                                                              \
    "ALTER TABLE job ADD COLUMN files INTEGER NOT NULL DEFAULT 0;"                                                          \
    "ALTER TABLE job ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"                                                          \
    "ALTER TABLE job ADD COLUMN done INTEGER NOT NULL DEFAULT 0;"                                                           \
    "ALTER TABLE job ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;"                                                        \
    "ALTER TABLE job ADD COLUMN sought TEXT NOT NULL DEFAULT '';"                                                           \
    "ALTER TABLE job ADD COLUMN comparing INTEGER NOT NULL DEFAULT 0;"                                                      \
    "ALTER TABLE job ADD COLUMN same INTEGER NOT NULL DEFAULT 0;"                                                           \
    "INSERT INTO found(circle, path, kind) SELECT circle, '', 1 FROM job WHERE finished = 0;"                               \
    "UPDATE job SET n = 1 WHERE finished = 0;"

/* mirror 0: nobody's browser mirrors; exclude: patterns of files that are left out, a line each. place: the first address is that
 * of the tags. */
#define SCHEMA_MAIN_6                                                  \
    "ALTER TABLE circle ADD COLUMN mirror INTEGER NOT NULL DEFAULT 1;" \
    "ALTER TABLE circle ADD COLUMN exclude TEXT NOT NULL DEFAULT '';"  \
    "ALTER TABLE base ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"

/* What a walk leaves out: by reason how many (path ''), and a few by name (n 0). job.patient is how to walk from here on (INDEX_*).
 */
#define SCHEMA_MAIN_7                                                                                          \
    "CREATE TABLE omitted(circle INTEGER NOT NULL, why TEXT NOT NULL, path TEXT NOT NULL, n INTEGER NOT NULL," \
    " PRIMARY KEY(circle, why, path)) WITHOUT ROWID;"                                                          \
    "ALTER TABLE job DROP COLUMN skipped;"                                                                     \
    "ALTER TABLE job DROP COLUMN changed;"

/* packed: the manifest as it is given out (PROTOCOL 1.5), in gzip; pack_manifests() has put it where the text was. A package stays
 * for those who have the loader of before (until: 0 for the one that the loader of now names). */
#define SCHEMA_MAIN_8                                                                                                   \
    "CREATE TABLE given(circle INTEGER PRIMARY KEY, version INTEGER NOT NULL, dir TEXT NOT NULL,"                       \
    " url TEXT NOT NULL, packed BLOB NOT NULL);"                                                                        \
    "INSERT INTO given SELECT circle, version, dir, url, signed FROM manifest;"                                         \
    "DROP TABLE manifest;"                                                                                              \
    "ALTER TABLE given RENAME TO manifest;"                                                                             \
    "CREATE TABLE built(sha256 BLOB PRIMARY KEY, circle INTEGER NOT NULL, basis BLOB NOT NULL, until INTEGER NOT NULL," \
    " body BLOB NOT NULL);"                                                                                             \
    "INSERT INTO built SELECT sha256, circle, basis, 0, body FROM package;"                                             \
    "DROP TABLE package;"                                                                                               \
    "ALTER TABLE built RENAME TO package;"                                                                              \
    "CREATE INDEX package_circle ON package(circle, until);"

/* The live database has another form once more. listed: of a folder in found, the last of its names that was taken. refused: why
 * the folder that was to be read last was not, and the walk went back to what is published. size: bytes of a manifest, unpacked; 0:
 * an earlier version did not count them. */
#define SCHEMA_MAIN_9                                                                             \
    SCHEMA_MAIN_4                                                                                 \
    "ALTER TABLE found ADD COLUMN listed TEXT NOT NULL DEFAULT '';"                               \
    "ALTER TABLE job ADD COLUMN refused TEXT NOT NULL DEFAULT '';"                                \
    "CREATE TABLE sized(circle INTEGER PRIMARY KEY, version INTEGER NOT NULL, dir TEXT NOT NULL," \
    " url TEXT NOT NULL, size INTEGER NOT NULL, packed BLOB NOT NULL);"                           \
    "INSERT INTO sized SELECT circle, version, dir, url, 0, packed FROM manifest;"                \
    "DROP TABLE manifest;"                                                                        \
    "ALTER TABLE sized RENAME TO manifest;"

/* worker: whether the site has a service worker of its own (struct circle). */
#define SCHEMA_MAIN_12 "ALTER TABLE circle ADD COLUMN worker TEXT NOT NULL DEFAULT 'unknown';"

/* Kept by whoever writes to found, in its own connection: to all others these would be so much more to read (store_scans). */
#define FOUND_COUNTS                                                                                            \
    "CREATE TEMP TRIGGER IF NOT EXISTS found_in AFTER INSERT ON main.found BEGIN"                               \
    " UPDATE job SET n = n + 1, files = files + (new.kind = 2), bytes = bytes + new.size, done = done + new.at" \
    "  WHERE circle = new.circle; END;"                                                                         \
    "CREATE TEMP TRIGGER IF NOT EXISTS found_out AFTER DELETE ON main.found BEGIN"                              \
    " UPDATE job SET n = n - 1, files = files - (old.kind = 2), bytes = bytes - old.size, done = done - old.at" \
    "  WHERE circle = old.circle; END;"                                                                         \
    "CREATE TEMP TRIGGER IF NOT EXISTS found_set AFTER UPDATE OF kind, size, at ON main.found BEGIN"            \
    " UPDATE job SET files = files + (new.kind = 2) - (old.kind = 2), bytes = bytes + new.size - old.size,"     \
    "  done = done + new.at - old.at WHERE circle = new.circle; END;"

/* role: 0 peer, 1 greeter. since, interval, resigned: as in struct signal (meet/signal.h). suspect: named dead, until it
 * speaks. doubt: signal_doubt() as it last was. surplus: its networks have their share of the greeters' places without it.
 * needy: enum need. bucket, wider, widest: the networks it renewed its lease from, as net counts them; whole: the widest of
 * these. Of an offer: taker is the signal that it was given to, NULL while it stands; net, wider and widest are the taker's
 * networks, or (0) helper the widest of them, where it takes one who waits (meet/mailbox.h); spent: 1 answered, or a page
 * began anew, 2 the taker named its signal dead when that had just spoken, 3 later. Of mail: rank as enum mail_rank
 * (meet/mailbox.h), which it is read by; net, wider and widest are the sender's networks. In net: how many signals a network
 * has, and bytes of mail. In pulse: how many signals, how many of them are NEEDY, bytes of mail, and what was counted since
 * the last fold; tally holds what is on its way to polycircle.db. ended: signals that are gone, but not yet all that was
 * theirs (signal_sweep); of these, mail alone still counts, in pulse, since it still lies there. until: offers of its that
 * were given still hold, and net, its whole network, may be named for them. word: taker, a whole network, says until then that
 * the greeters of net are dead. */
#define SCHEMA_LIVE                                                                                                        \
    "CREATE TABLE signal(id INTEGER PRIMARY KEY AUTOINCREMENT, circle INTEGER NOT NULL, token BLOB NOT NULL UNIQUE,"       \
    " sig BLOB NOT NULL UNIQUE, run INTEGER NOT NULL, role INTEGER NOT NULL, greet INTEGER NOT NULL,"                      \
    " suspect INTEGER NOT NULL DEFAULT 0, needy INTEGER NOT NULL DEFAULT 0, bucket INTEGER NOT NULL,"                      \
    " wider INTEGER NOT NULL DEFAULT 0, widest INTEGER NOT NULL DEFAULT 0,"                                                \
    " whole INTEGER AS (iif(widest, widest, iif(wider, wider, bucket))) STORED,"                                           \
    " since INTEGER NOT NULL, interval INTEGER NOT NULL, resigned INTEGER NOT NULL DEFAULT 0, expires INTEGER NOT NULL,"   \
    " version INTEGER NOT NULL, surplus INTEGER NOT NULL DEFAULT 0, doubt INTEGER NOT NULL DEFAULT 0, have TEXT NOT NULL," \
    " boxes INTEGER NOT NULL DEFAULT 0, box BLOB, box_v INTEGER NOT NULL DEFAULT 0);"                                      \
    "CREATE INDEX signal_role ON signal(circle, role DESC, suspect, surplus, needy);"                                      \
    "CREATE INDEX signal_expires ON signal(expires, circle);"                                                              \
    "CREATE TABLE net(circle INTEGER NOT NULL, net INTEGER NOT NULL, n INTEGER NOT NULL, mail INTEGER NOT NULL DEFAULT 0," \
    " PRIMARY KEY(circle, net)) WITHOUT ROWID;"                                                                            \
    "CREATE TABLE offer(n INTEGER PRIMARY KEY, signal INTEGER NOT NULL, id TEXT NOT NULL, sdp TEXT NOT NULL,"              \
    " expires INTEGER NOT NULL, taker INTEGER, net INTEGER, wider INTEGER, widest INTEGER, helper INTEGER,"                \
    " spent INTEGER NOT NULL DEFAULT 0, UNIQUE(signal, id));"                                                              \
    "CREATE INDEX offer_standing ON offer(signal, expires) WHERE taker IS NULL;"                                           \
    "CREATE INDEX offer_taker ON offer(taker) WHERE taker IS NOT NULL;"                                                    \
    "CREATE INDEX offer_net ON offer(net, expires) WHERE net IS NOT NULL;"                                                 \
    "CREATE INDEX offer_wider ON offer(wider, expires) WHERE wider IS NOT NULL;"                                           \
    "CREATE INDEX offer_widest ON offer(widest, expires) WHERE widest IS NOT NULL;"                                        \
    "CREATE TABLE mail(n INTEGER PRIMARY KEY AUTOINCREMENT, circle INTEGER NOT NULL, signal INTEGER NOT NULL,"             \
    " sender BLOB NOT NULL, id TEXT NOT NULL, re TEXT NOT NULL, rank INTEGER NOT NULL DEFAULT 0,"                          \
    " net INTEGER NOT NULL DEFAULT 0, wider INTEGER NOT NULL DEFAULT 0, widest INTEGER NOT NULL DEFAULT 0,"                \
    " whole INTEGER AS (iif(widest, widest, iif(wider, wider, net))), expires INTEGER NOT NULL, body TEXT NOT NULL,"       \
    " UNIQUE(sender, signal, id));"                                                                                        \
    "CREATE INDEX mail_signal ON mail(signal, rank, n);"                                                                   \
    "CREATE INDEX mail_expires ON mail(expires);"                                                                          \
    "CREATE TABLE pulse(circle INTEGER PRIMARY KEY, n INTEGER NOT NULL, joined INTEGER NOT NULL, needy INTEGER NOT NULL,"  \
    " mail INTEGER NOT NULL DEFAULT 0, joins INTEGER NOT NULL DEFAULT 0, mails INTEGER NOT NULL DEFAULT 0);"               \
    "CREATE TABLE refused(circle INTEGER NOT NULL, origin TEXT NOT NULL, n INTEGER NOT NULL,"                              \
    " last INTEGER NOT NULL, PRIMARY KEY(circle, origin)) WITHOUT ROWID;"                                                  \
    "CREATE TABLE tally(circle INTEGER NOT NULL, name TEXT NOT NULL, fold INTEGER NOT NULL, n INTEGER NOT NULL,"           \
    " PRIMARY KEY(circle, name, fold)) WITHOUT ROWID;"                                                                     \
    "CREATE TABLE folded(one INTEGER PRIMARY KEY CHECK(one = 1), at INTEGER NOT NULL);"                                    \
    "INSERT INTO folded VALUES(1, 0);"                                                                                     \
    "CREATE TABLE ended(signal INTEGER PRIMARY KEY, circle INTEGER NOT NULL, sig BLOB NOT NULL, net INTEGER NOT NULL,"     \
    " until INTEGER NOT NULL);"                                                                                            \
    "CREATE INDEX ended_until ON ended(until);"                                                                            \
    "CREATE TABLE word(circle INTEGER NOT NULL, taker INTEGER NOT NULL, net INTEGER NOT NULL, until INTEGER NOT NULL,"     \
    " UNIQUE(circle, taker, net));"                                                                                        \
    "CREATE INDEX word_net ON word(circle, net, until);"                                                                   \
    "CREATE INDEX word_until ON word(until);"                                                                              \
    "CREATE TRIGGER signal_out BEFORE DELETE ON signal BEGIN"                                                              \
    " INSERT INTO ended SELECT old.id, old.circle, old.sig, old.whole,"                                                    \
    "  ifnull(max(expires), 0) FROM offer WHERE signal = old.id AND taker IS NOT NULL;"                                    \
    " UPDATE net SET n = n - 1 WHERE circle = old.circle AND net IN (old.bucket, old.wider, old.widest);"                  \
    " DELETE FROM net WHERE circle = old.circle AND net IN (old.bucket, old.wider, old.widest) AND n < 1 AND mail < 1;"    \
    " UPDATE pulse SET n = n - 1, needy = needy - (old.needy = 1) WHERE circle = old.circle; END;"                         \
    "CREATE TRIGGER signal_needy AFTER UPDATE OF needy ON signal WHEN new.needy <> old.needy BEGIN"                        \
    " UPDATE pulse SET needy = needy + (new.needy = 1) - (old.needy = 1) WHERE circle = new.circle; END;"                  \
    "CREATE TRIGGER mail_in AFTER INSERT ON mail BEGIN"                                                                    \
    " UPDATE pulse SET mail = mail + length(CAST(new.body AS BLOB)), mails = mails + 1 WHERE circle = new.circle;"         \
    " UPDATE net SET mail = mail + length(CAST(new.body AS BLOB)) WHERE circle = new.circle AND net = new.whole; END;"     \
    "CREATE TRIGGER mail_out AFTER DELETE ON mail BEGIN"                                                                   \
    " UPDATE pulse SET mail = mail - length(CAST(old.body AS BLOB)) WHERE circle = old.circle;"                            \
    " UPDATE net SET mail = mail - length(CAST(old.body AS BLOB)) WHERE circle = old.circle AND net = old.whole;"          \
    " DELETE FROM net WHERE circle = old.circle AND net = old.whole AND n < 1 AND mail < 1; END;"
