/* Every SQL statement of the program, by name. Prepared on first use; tests/unit/store prepares them all.
 * Values are bound, never printed into text. MAIN is polycircle.db, LIVE the live database. */
#pragma once
#define CIRCLE_COLUMNS \
    "id, can, cid, api_key, sign_public, roster, listed, ice, up_kbps, removed, p2p, exposed, mirror, exclude, worker"
#define SIGNAL_COLUMNS                                                                                             \
    "s.id, s.circle, s.sig, s.run, s.role, s.greet, s.suspect, s.needy, s.bucket, s.since, s.interval, s.expires," \
    " s.version, s.have, s.boxes, s.box, s.box_v, s.wider, s.widest, s.surplus, s.resigned"
#define NO_CIRCLE "circle NOT IN (SELECT id FROM circle)"
/* An offer that holds: not about to expire, and not from a clock that was ahead (?2 is now). It stands while nobody has it. */
#define HOLDS "o.expires BETWEEN ?2 + 5000 AND ?2 + 121000"
#define STANDS "o.taker IS NULL AND " HOLDS
#define HAS_OFFERS "EXISTS(SELECT 1 FROM offer o WHERE " HOLDS " AND o.signal = "
/* Is a row of found that of the file as it was read, as it is looked at now? */
#define AS_READ "circle = ?1 AND path = ?2 AND kind = 2 AND at = ?3 AND size = ?4 AND mtime_s = ?5 AND ino = ?6 AND ctime_ns = ?7"
#define UNTOUCHED "size = ?4 AND mtime_s = ?5 AND ino = ?8 AND ctime_ns = ?9"
/* A signal whose lease is over; ?2 is now, and what is due after ?3 is of a clock that was ahead. Where it stands with a circle,
 * +s.circle: these are few, signals of the circle many. */
#define ENDED "(s.expires < ?2 OR s.expires > ?3)"
/* Of signals: those that are asked first. As signal_role has them. */
#define BEST "s.suspect, s.surplus, s.needy"
#define INVITATION "o.id, o.sdp, s.sig, s.bucket, s.version, s.have, s.suspect"
/* Of lists; and what the next one of any list is to be above, since a restore. */
#define VERSIONS "SELECT version AS v FROM manifest UNION ALL SELECT value FROM instance WHERE name = 'versions'"

#define SQL_TABLE(X)                                                                                                              \
    /* transactions, by store_begin and store_commit */                                                                           \
    X(MAIN_READ, MAIN, "BEGIN")                                                                                                   \
    X(MAIN_WRITE, MAIN, "BEGIN IMMEDIATE")                                                                                        \
    X(MAIN_COMMIT, MAIN, "COMMIT")                                                                                                \
    X(LIVE_READ, LIVE, "BEGIN")                                                                                                   \
    X(LIVE_WRITE, LIVE, "BEGIN IMMEDIATE")                                                                                        \
    X(LIVE_FREE, LIVE, "PRAGMA freelist_count")                                                                                   \
    X(LIVE_COMMIT, LIVE, "COMMIT")                                                                                                \
    /* what every request needs: the live database's generation, and whether the Host is ours */                                  \
    X(ENTER, MAIN,                                                                                                                \
      "SELECT (SELECT value FROM instance WHERE name = 'gen'), EXISTS(SELECT 1 FROM base WHERE host = ?1),"                       \
      " EXISTS(SELECT 1 FROM instance WHERE name = 'retired')")                                                                   \
    X(INSTANCE_GET, MAIN, "SELECT value FROM instance WHERE name = ?1")                                                           \
    X(INSTANCE_SET, MAIN, "INSERT INTO instance VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")                 \
    X(INSTANCE_ONCE, MAIN, "INSERT INTO instance VALUES(?1, ?2) ON CONFLICT DO NOTHING")                                          \
    X(INSTANCE_DROP, MAIN, "DELETE FROM instance WHERE name = ?1")                                                                \
    X(BASE_ADD, MAIN,                                                                                                             \
      "INSERT INTO base(url, host, place) SELECT ?1, ?2, ifnull(max(place), 0) + 1 FROM base WHERE true ON CONFLICT DO NOTHING")  \
    X(BASE_DROP, MAIN, "DELETE FROM base WHERE url = ?1 AND (SELECT count(*) FROM base) > 1")                                     \
    X(BASE_FIRST, MAIN, "UPDATE base SET place = (SELECT min(place) - 1 FROM base) WHERE url = ?1")                               \
    X(BASE_HAS, MAIN, "SELECT 1 FROM base WHERE url = ?1")                                                                        \
    X(BASE_LIST, MAIN, "SELECT url FROM base ORDER BY place, url")                                                                \
    X(BASE_HOSTS, MAIN, "SELECT host FROM base ORDER BY place, url")                                                              \
    /* what a circle's content is, or is to be, of */                                                                             \
    X(FOLDERS_OF, MAIN, "SELECT dir FROM job WHERE circle = ?1 UNION SELECT dir FROM manifest WHERE circle = ?1")                 \
    X(FOLDER_URLS_OF, MAIN, "SELECT url FROM job WHERE circle = ?1 UNION SELECT url FROM manifest WHERE circle = ?1")             \
    X(CIRCLE_ADD, MAIN,                                                                                                           \
      "INSERT INTO circle(can, cid, pad, api_key, sign_public, roster, listed, ice, up_kbps, created, p2p, mirror, exclude"       \
      ", worker) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")                                            \
    X(CIRCLE_BY_KEY, MAIN, "SELECT " CIRCLE_COLUMNS " FROM circle WHERE api_key = ?1")                                            \
    X(CIRCLE_BY_CAN, MAIN, "SELECT " CIRCLE_COLUMNS " FROM circle WHERE can = ?1")                                                \
    X(CIRCLE_BY_ID, MAIN, "SELECT " CIRCLE_COLUMNS " FROM circle WHERE id = ?1")                                                  \
    X(CIRCLE_BY_CID, MAIN, "SELECT " CIRCLE_COLUMNS " FROM circle WHERE cid = ?1")                                                \
    X(CIRCLE_LIST, MAIN, "SELECT " CIRCLE_COLUMNS " FROM circle ORDER BY can")                                                    \
    X(CIRCLE_SIGN, MAIN, "UPDATE circle SET sign_public = ?2, exposed = ?3 WHERE id = ?1")                                        \
    X(CIRCLE_PADS, MAIN, "SELECT can, cid, pad FROM circle ORDER BY can")                                                         \
    X(CIRCLE_PAD_SET, MAIN, "UPDATE circle SET pad = ?2 WHERE can = ?1")                                                          \
    X(CIRCLE_REMOVE, MAIN, "UPDATE circle SET removed = ?2 WHERE id = ?1")                                                        \
    /* NULL and -1 leave what is there */                                                                                         \
    X(CIRCLE_CHANGE, MAIN,                                                                                                        \
      "UPDATE circle SET p2p = ifnull(?2, p2p), ice = ifnull(?3, ice), roster = ifnull(?4, roster), exclude = ifnull(?5, "        \
      "exclude), listed = ifnull(nullif(?6, -1), listed), mirror = ifnull(nullif(?7, -1), mirror),"                               \
      " up_kbps = ifnull(nullif(?8, -1), up_kbps), worker = ifnull(?9, worker) WHERE id = ?1")                                    \
    X(ORIGIN_ADD, MAIN, "INSERT INTO origin VALUES(?1, ?2) ON CONFLICT DO NOTHING")                                               \
    X(ORIGIN_DROP, MAIN, "DELETE FROM origin WHERE circle = ?1 AND origin = ?2")                                                  \
    X(ORIGIN_OK, MAIN, "SELECT 1 FROM origin WHERE circle = ?1 AND origin = ?2")                                                  \
    X(ORIGIN_OTHERS, MAIN, "SELECT count(*) FROM origin WHERE circle = ?1 AND origin <> ?2")                                      \
    X(ORIGIN_LIST, MAIN, "SELECT origin FROM origin WHERE circle = ?1 ORDER BY origin")                                           \
    X(ORIGIN_ALL, MAIN, "SELECT DISTINCT origin FROM origin ORDER BY origin LIMIT 65")                                            \
    X(MEDIA_LIST, MAIN, "SELECT path, type, size, mtime_s, piece, sha256 FROM media WHERE circle = ?1 ORDER BY path")             \
    X(MEDIA_PLACES, MAIN, "SELECT max(place) + 1 FROM media WHERE circle = ?1")                                                   \
    X(MEDIA_STAT, MAIN,                                                                                                           \
      "SELECT path, size, mtime_s, dev, ino FROM media WHERE circle = ?1 AND place >= ?3 ORDER BY place LIMIT ?2")                \
    /* published from the folder ?2, not found there by this walk, behind the path ?3; and not at the one before either? */       \
    X(MEDIA_MISSED, MAIN,                                                                                                         \
      "SELECT path, size, mtime_s, dev, ino, doubted FROM media m WHERE circle = ?1 AND path > ?3"                                \
      " AND EXISTS(SELECT 1 FROM manifest WHERE circle = ?1 AND dir = ?2)"                                                        \
      " AND NOT EXISTS(SELECT 1 FROM found s WHERE s.circle = ?1 AND s.path = m.path) ORDER BY path LIMIT ?4")                    \
    X(MEDIA_FROM, MAIN,                                                                                                           \
      "SELECT path, type, size, mtime_s, dev, ino, ctime_ns, doubted FROM media WHERE circle = ?1 AND path > ?2 ORDER BY path"    \
      " LIMIT ?3")                                                                                                                \
    X(MEDIA_COUNT, MAIN, "SELECT count(*) FROM media WHERE circle = ?1")                                                          \
    /* bytes of the list of them, about */                                                                                        \
    X(MEDIA_ROOM, MAIN,                                                                                                           \
      "SELECT 2048 + CAST(total(160 + length(path) + length(sha256) * 4 / 3) AS INTEGER) FROM media WHERE circle = ?1")           \
    X(MEDIA_BYTES, MAIN, "SELECT total(size) FROM media WHERE circle = ?1")                                                       \
    X(MEDIA_GET, MAIN, "SELECT type, size, mtime_s, piece, sha256 FROM media WHERE circle = ?1 AND path = ?2")                    \
    X(MEDIA_AT, MAIN, "SELECT path FROM media WHERE circle = ?1 AND place = ?2")                                                  \
    /* what was found becomes what is published: only rows that are others by now are written. An index on the wire is a place in \
     * the order of paths */                                                                                                      \
    X(MEDIA_GONE, MAIN,                                                                                                           \
      "DELETE FROM media WHERE circle = ?1 AND NOT EXISTS(SELECT 1 FROM found s WHERE s.circle = ?1 AND s.path = media.path)")    \
    X(MEDIA_FILL, MAIN,                                                                                                           \
      "INSERT INTO media SELECT circle, path, type, size, mtime_s, dev, ino, ctime_ns, doubted, piece,"                           \
      " row_number() OVER (ORDER BY path) - 1, sha256 FROM found WHERE circle = ?1 AND kind = 2 AND at = size"                    \
      " ON CONFLICT DO UPDATE SET type = excluded.type, size = excluded.size, mtime_s = excluded.mtime_s, dev = excluded.dev,"    \
      " ino = excluded.ino, ctime_ns = excluded.ctime_ns, doubted = excluded.doubted, piece = excluded.piece,"                    \
      " place = excluded.place, sha256 = excluded.sha256"                                                                         \
      " WHERE (type, size, mtime_s, dev, ino, ctime_ns, doubted, piece, place, sha256) <> (excluded.type, excluded.size,"         \
      " excluded.mtime_s, excluded.dev, excluded.ino, excluded.ctime_ns, excluded.doubted, excluded.piece, excluded.place,"       \
      " excluded.sha256)")                                                                                                        \
    X(MEDIA_NOTE, MAIN,                                                                                                           \
      "UPDATE media SET dev = s.dev, ino = s.ino, ctime_ns = s.ctime_ns, doubted = s.doubted FROM found s"                        \
      " WHERE media.circle = ?1 AND s.circle = ?1 AND s.path = media.path AND (media.dev <> s.dev OR media.ino <> s.ino"          \
      " OR media.ctime_ns <> s.ctime_ns OR media.doubted <> s.doubted)")                                                          \
    X(MEDIA_PLACE, MAIN,                                                                                                          \
      "UPDATE media SET place = r.n FROM (SELECT path, row_number() OVER (ORDER BY path) - 1 AS n"                                \
      " FROM media WHERE circle = ?1) r WHERE circle = ?1 AND media.path = r.path AND place <> r.n")                              \
    X(MEDIA_CLEAR, MAIN, "DELETE FROM media WHERE circle = ?1")                                                                   \
    X(MEDIA_DELETE, MAIN, "DELETE FROM media WHERE circle = ?1 AND path = ?2")                                                    \
    /* hashes of what is withdrawn: by a walk through the folder ?2, of the one path ?2; ?3: until when */                        \
    X(KEPT_ADD, MAIN,                                                                                                             \
      "REPLACE INTO kept SELECT m.circle, f.dir, m.path, m.size, m.mtime_s, m.ino, m.ctime_ns, m.sha256, ?3"                      \
      " FROM media m JOIN manifest f ON f.circle = m.circle WHERE m.circle = ?1 AND m.ino <> 0"                                   \
      " AND (f.dir <> ?2 OR NOT EXISTS(SELECT 1 FROM found s WHERE s.circle = ?1 AND s.path = m.path))")                          \
    X(KEPT_ADD_ONE, MAIN,                                                                                                         \
      "REPLACE INTO kept SELECT m.circle, f.dir, m.path, m.size, m.mtime_s, m.ino, m.ctime_ns, m.sha256, ?3"                      \
      " FROM media m JOIN manifest f ON f.circle = m.circle WHERE m.circle = ?1 AND m.path = ?2 AND m.ino <> 0")                  \
    X(KEPT_OLD, MAIN,                                                                                                             \
      "DELETE FROM kept WHERE circle = ?1 AND (until < ?2 OR until <"                                                             \
      " (SELECT until FROM kept WHERE circle = ?1 ORDER BY until DESC LIMIT 1 OFFSET ?3))")                                       \
    X(MANIFEST_GET, MAIN, "SELECT version, packed FROM manifest WHERE circle = ?1")                                               \
    X(MANIFEST_HEAD, MAIN, "SELECT version, dir, url, size, length(packed) FROM manifest WHERE circle = ?1")                      \
    X(VERSION_MOST, MAIN, "SELECT max(v) FROM (" VERSIONS ") WHERE typeof(v) = 'integer' AND v <= ?1")                            \
    /* of a copy: what no program has counted to, ?1 at most */                                                                   \
    X(GEN_BEYOND, MAIN,                                                                                                           \
      "SELECT value FROM instance WHERE name = 'gen' AND (typeof(value) <> 'integer' OR value NOT BETWEEN 0 AND ?1)")             \
    X(VERSION_BEYOND, MAIN, "SELECT v FROM (" VERSIONS ") WHERE typeof(v) <> 'integer' OR v NOT BETWEEN 1 AND ?1 LIMIT 1")        \
    X(STATISTIC_BEYOND, MAIN, "SELECT n FROM statistic WHERE typeof(n) <> 'integer' OR n NOT BETWEEN 0 AND ?1 LIMIT 1")           \
    /* of a copy: what can be made anew; then each folder is due to be read */                                                    \
    X(COPY_BASES, MAIN, "DELETE FROM base")                                                                                       \
    X(COPY_PACKAGES, MAIN, "DELETE FROM package")                                                                                 \
    X(COPY_MEDIA, MAIN, "DELETE FROM media")                                                                                      \
    X(COPY_FOUND, MAIN, "DELETE FROM found")                                                                                      \
    X(COPY_OMITTED, MAIN, "DELETE FROM omitted")                                                                                  \
    X(COPY_KEPT, MAIN, "DELETE FROM kept")                                                                                        \
    X(COPY_JOBS, MAIN, "INSERT OR IGNORE INTO job(circle, dir, url, patient) SELECT circle, dir, url, 0 FROM manifest")           \
    X(COPY_JOBS_DUE, MAIN, "UPDATE job SET finished = 1, same = 0, refused = ''")                                                 \
    X(COPY_VERSIONS, MAIN, "UPDATE manifest SET version = 1")                                                                     \
    X(COPY_STATISTICS, MAIN, "DELETE FROM statistic WHERE n > 1 << 39")                                                           \
    X(MANIFEST_SET, MAIN, "REPLACE INTO manifest VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                                 \
    /* the walk through a folder */                                                                                               \
    X(JOB_SET, MAIN,                                                                                                              \
      "INSERT INTO job(circle, dir, url, patient, comparing) VALUES(?1, ?2, ?3, ?4, EXISTS(SELECT 1 FROM manifest"                \
      " WHERE circle = ?1 AND dir = ?2 AND url = ?3) AND NOT EXISTS(SELECT 1 FROM found WHERE circle = ?1))"                      \
      " ON CONFLICT DO UPDATE SET dir = excluded.dir,"                                                                            \
      " url = excluded.url, patient = excluded.patient, hashed = 0, finished = 0, doubted = 0,"                                   \
      " sought = '', comparing = excluded.comparing, same = 0, refused = ''")                                                     \
    X(JOB_GET, MAIN,                                                                                                              \
      "SELECT dir, url, patient, hashed, finished, files, bytes, done, doubted, sought, comparing, same,"                         \
      " dir = (SELECT dir FROM manifest WHERE circle = ?1) AND EXISTS(SELECT 1 FROM media WHERE circle = ?1),"                    \
      " EXISTS(SELECT 1 FROM found INDEXED BY found_work WHERE circle = ?1 AND (kind < 2 OR at < size)), refused"                 \
      " FROM job WHERE circle = ?1")                                                                                              \
    X(JOB_COUNT, MAIN,                                                                                                            \
      "UPDATE job SET (n, files, bytes, done) = (SELECT count(*), count(*) FILTER (WHERE kind = 2),"                              \
      " CAST(total(size) AS INTEGER), CAST(total(at) AS INTEGER) FROM found WHERE circle = ?1) WHERE circle = ?1")                \
    /* patient & 4: it waits (content/index.h) */                                                                                 \
    X(JOB_OF_MANIFEST, MAIN,                                                                                                      \
      "INSERT OR IGNORE INTO job(circle, dir, url, patient, finished) SELECT circle, dir, url, 0, ?2 FROM manifest"               \
      " WHERE circle = ?1")                                                                                                       \
    X(JOB_WAIT, MAIN, "UPDATE job SET patient = patient | 4, finished = ?2 WHERE circle = ?1")                                    \
    X(JOB_WAITS, MAIN, "SELECT dir FROM job WHERE circle = ?1 AND patient & 4")                                                   \
    X(FOLDERS, MAIN,                                                                                                              \
      "SELECT dir FROM job WHERE NOT patient & 4 UNION SELECT dir FROM manifest"                                                  \
      " WHERE circle NOT IN (SELECT circle FROM job WHERE patient & 4)")                                                          \
    X(JOB_BYTES, MAIN, "SELECT bytes FROM job WHERE circle = ?1")                                                                 \
    X(JOB_ADD, MAIN, "UPDATE job SET hashed = hashed + ?2 WHERE circle = ?1")                                                     \
    X(JOB_SOUGHT, MAIN, "UPDATE job SET sought = ?3, doubted = doubted + ?4 WHERE circle = ?1 AND sought = ?2")                   \
    X(JOB_COMPARED, MAIN,                                                                                                         \
      "UPDATE job SET sought = ?3, finished = ?4, same = ?4 > 0"                                                                  \
      " WHERE circle = ?1 AND comparing AND finished = 0 AND sought = ?2")                                                        \
    X(JOB_WALK, MAIN, "UPDATE job SET comparing = 0, sought = '' WHERE circle = ?1 AND comparing")                                \
    /* does the walk through the folder ?2 still go on? */                                                                        \
    X(JOB_OF, MAIN, "SELECT 1 FROM job WHERE circle = ?1 AND dir = ?2 AND finished = 0")                                          \
    /* back to what is published, if anything is */                                                                               \
    X(JOB_BACK, MAIN,                                                                                                             \
      "UPDATE job SET dir = m.dir, url = m.url, finished = ?2, refused = ?3 FROM manifest m"                                      \
      " WHERE job.circle = ?1 AND m.circle = ?1")                                                                                 \
    X(JOB_DROP, MAIN, "DELETE FROM job WHERE circle = ?1 AND circle NOT IN (SELECT circle FROM manifest)")                        \
    X(JOB_FINISH, MAIN, "UPDATE job SET finished = ?3, same = ?4 WHERE circle = ?1 AND dir = ?2")                                 \
    X(JOB_DUE, MAIN,                                                                                                              \
      "SELECT j.circle, j.finished, j.dir, j.url FROM job j JOIN circle c ON c.id = j.circle WHERE c.removed = 0"                 \
      " AND NOT j.patient & 4 AND (j.finished = 0 OR j.finished NOT BETWEEN ?1 - ?2 AND ?1) ORDER BY j.finished, random() LIMIT " \
      "1")                                                                                                                        \
    X(OMITTED_CLEAR, MAIN, "DELETE FROM omitted WHERE circle = ?1")                                                               \
    X(OMITTED_COUNT, MAIN, "INSERT INTO omitted VALUES(?1, ?2, '', ?3) ON CONFLICT DO UPDATE SET n = n + excluded.n")             \
    X(OMITTED_NAME, MAIN,                                                                                                         \
      "INSERT INTO omitted SELECT ?1, ?2, ?3, 0 WHERE (SELECT count(*) FROM omitted WHERE circle = ?1 AND why = ?2) <= ?4"        \
      " ON CONFLICT DO NOTHING")                                                                                                  \
    X(OMITTED_LIST, MAIN, "SELECT why, path, n FROM omitted WHERE circle = ?1")                                                   \
    X(SCAN_WORK, MAIN,                                                                                                            \
      "SELECT path, kind, size, mtime_s, piece, at, state, sha256, ino, ctime_ns, listed FROM found"                              \
      " WHERE circle = ?1 AND (kind < 2 OR at < size) ORDER BY kind, path LIMIT ?2")                                              \
    X(SCAN_COUNT, MAIN, "SELECT n FROM job WHERE circle = ?1")                                                                    \
    X(SCAN_CLEAR, MAIN, "DELETE FROM found WHERE circle = ?1")                                                                    \
    /* some, of the walk that finished at ?2 */                                                                                   \
    X(SCAN_CLEAR_SOME, MAIN,                                                                                                      \
      "DELETE FROM found WHERE circle = ?1 AND path IN (SELECT path FROM found WHERE circle = ?1 LIMIT ?3)"                       \
      " AND EXISTS(SELECT 1 FROM job WHERE circle = ?1 AND finished = ?2)")                                                       \
    X(SCAN_OTHER, MAIN, "DELETE FROM found WHERE circle = ?1 AND ?2 <> (SELECT dir FROM job WHERE circle = ?1)")                  \
    X(SCAN_AGAIN, MAIN, "UPDATE found SET kind = 0, doubted = 0 WHERE circle = ?1")                                               \
    X(SCAN_ROOT, MAIN,                                                                                                            \
      "INSERT INTO found(circle, path, kind) SELECT circle, '', 1 FROM job WHERE circle = ?1 AND NOT comparing AND finished = 0"  \
      " ON CONFLICT DO UPDATE SET kind = 1, listed = ''")                                                                         \
    X(SCAN_ADD, MAIN,                                                                                                             \
      "INSERT INTO found(circle, path, kind) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET kind = excluded.kind, listed = ''")     \
    X(SCAN_NEW, MAIN, "INSERT INTO found(circle, path, kind) VALUES(?1, ?2, 0) ON CONFLICT DO NOTHING")                           \
    /* of a folder, listed as far as ?3 */                                                                                        \
    X(SCAN_LISTED, MAIN, "UPDATE found SET listed = ?4 WHERE circle = ?1 AND path = ?2 AND kind = 1 AND listed = ?3")             \
    X(SCAN_LISTED_ALL, MAIN, "DELETE FROM found WHERE circle = ?1 AND path = ?2 AND kind = 1 AND listed = ?3")                    \
    X(SCAN_DROP, MAIN, "DELETE FROM found WHERE circle = ?1 AND path = ?2")                                                       \
    /* what was hashed of it already stays when it is the same file */                                                            \
    X(SCAN_FILE, MAIN,                                                                                                            \
      "UPDATE found SET kind = 2, type = ?3, size = ?4, mtime_s = ?5, piece = ?6, dev = ?7, ino = ?8, ctime_ns = ?9,"             \
      " at = iif(" UNTOUCHED ", at, 0), state = iif(" UNTOUCHED ", state, NULL), sha256 = iif(" UNTOUCHED ", sha256, x'')"        \
      " WHERE circle = ?1 AND path = ?2")                                                                                         \
    /* published from the folder ?3, or withdrawn from it not long ago */                                                         \
    X(SCAN_KNOWN, MAIN,                                                                                                           \
      "UPDATE found SET at = found.size, state = NULL, sha256 = m.sha256 FROM media m JOIN manifest f ON f.circle = m.circle"     \
      " WHERE found.circle = ?1 AND found.path = ?2 AND m.circle = ?1 AND m.path = ?2 AND f.dir = ?3 AND m.size = found.size"     \
      " AND m.mtime_s = found.mtime_s AND (m.ino = 0 OR (m.ino = found.ino AND m.ctime_ns = found.ctime_ns))")                    \
    X(SCAN_KEPT, MAIN,                                                                                                            \
      "UPDATE found SET at = found.size, state = NULL, sha256 = k.sha256 FROM kept k WHERE found.circle = ?1 AND found.path = ?2" \
      " AND k.circle = ?1 AND k.path = ?2 AND k.dir = ?3 AND k.size = found.size AND k.mtime_s = found.mtime_s"                   \
      " AND k.ino = found.ino AND k.ctime_ns = found.ctime_ns")                                                                   \
    X(SCAN_STAYS, MAIN,                                                                                                           \
      "INSERT INTO found(circle, path, kind, type, size, mtime_s, piece, at, sha256, dev, ino, ctime_ns, doubted)"                \
      " SELECT circle, path, 2, type, size, mtime_s, piece, size, sha256, dev, ino, ctime_ns, ?3 FROM media"                      \
      " WHERE circle = ?1 AND path = ?2 ON CONFLICT DO NOTHING")                                                                  \
    /* of the file, and from the place, that was read: another process may have looked at its successor meanwhile */              \
    X(SCAN_HASHED, MAIN, "UPDATE found SET at = ?8, state = ?9, sha256 = ?10 WHERE " AS_READ)                                     \
    X(SCAN_CHANGED, MAIN, "DELETE FROM found WHERE " AS_READ)                                                                     \
    X(SCAN_DIFFERS, MAIN,                                                                                                         \
      "SELECT count(*) FROM found s WHERE s.circle = ?1 AND NOT EXISTS(SELECT 1 FROM media m WHERE m.circle = ?1"                 \
      " AND m.path = s.path AND m.size = s.size AND m.mtime_s = s.mtime_s AND m.type = s.type AND m.sha256 = s.sha256)")          \
    X(PACKAGE_BASIS, MAIN, "SELECT basis, sha256 FROM package WHERE circle = ?1 AND until = 0")                                   \
    X(PACKAGE_GET, MAIN, "SELECT body FROM package WHERE sha256 = ?1")                                                            \
    X(PACKAGE_BEFORE, MAIN, "UPDATE package SET until = ?2 WHERE circle = ?1 AND until = 0")                                      \
    X(PACKAGE_OLD, MAIN, "DELETE FROM package WHERE circle = ?1 AND until BETWEEN 1 AND ?2")                                      \
    X(PACKAGE_SET, MAIN, "REPLACE INTO package(circle, basis, sha256, body, until) VALUES(?1, ?2, ?3, ?4, 0)")                    \
    X(STATISTIC_ADD, MAIN, "INSERT INTO statistic VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n = n + excluded.n")           \
    X(STATISTIC_LIST, MAIN, "SELECT name, sum(n) FROM statistic WHERE circle = ?1 GROUP BY name ORDER BY name")                   \
    /* rows of no circle */                                                                                                       \
    X(ORPHANS, MAIN,                                                                                                              \
      "SELECT (SELECT count(*) FROM origin WHERE " NO_CIRCLE ") + (SELECT count(*) FROM media WHERE " NO_CIRCLE ")"               \
      " + (SELECT count(*) FROM manifest WHERE " NO_CIRCLE ") + (SELECT count(*) FROM package WHERE " NO_CIRCLE ")"               \
      " + (SELECT count(*) FROM statistic WHERE " NO_CIRCLE ") + (SELECT count(*) FROM job WHERE " NO_CIRCLE ")"                  \
      " + (SELECT count(*) FROM found WHERE " NO_CIRCLE ") + (SELECT count(*) FROM kept WHERE " NO_CIRCLE ")"                     \
      " + (SELECT count(*) FROM omitted WHERE " NO_CIRCLE ")")                                                                    \
    X(ORPHAN_ORIGINS, MAIN, "DELETE FROM origin WHERE " NO_CIRCLE)                                                                \
    X(ORPHAN_MEDIA, MAIN, "DELETE FROM media WHERE " NO_CIRCLE)                                                                   \
    X(ORPHAN_MANIFESTS, MAIN, "DELETE FROM manifest WHERE " NO_CIRCLE)                                                            \
    X(ORPHAN_PACKAGES, MAIN, "DELETE FROM package WHERE " NO_CIRCLE)                                                              \
    X(ORPHAN_STATISTICS, MAIN, "DELETE FROM statistic WHERE " NO_CIRCLE)                                                          \
    X(ORPHAN_JOBS, MAIN, "DELETE FROM job WHERE " NO_CIRCLE)                                                                      \
    X(ORPHAN_OMITTED, MAIN, "DELETE FROM omitted WHERE " NO_CIRCLE)                                                               \
    X(ORPHAN_KEPT, MAIN, "DELETE FROM kept WHERE " NO_CIRCLE)                                                                     \
    X(ORPHAN_SCANS, MAIN, "DELETE FROM found WHERE " NO_CIRCLE)                                                                   \
    /* signals */                                                                                                                 \
    X(SIGNAL_BY_TOKEN, LIVE,                                                                                                      \
      "SELECT " SIGNAL_COLUMNS ", p.n, p.joined, p.needy, p.mail FROM signal s JOIN pulse p USING(circle) WHERE s.token = ?1")    \
    X(SIGNAL_BY_SIG, LIVE, "SELECT " SIGNAL_COLUMNS " FROM signal s WHERE s.sig = ?1")                                            \
    X(SIGNAL_ADD, LIVE,                                                                                                           \
      "INSERT INTO signal(circle, token, sig, run, role, greet, bucket, since, interval, expires, version,"                       \
      " have, wider, widest) VALUES(?1, ?2, ?3, ?4, 0, 1, ?5, ?6, 0, ?7, 0, '', ?8, ?9)")                                         \
    X(SIGNAL_SET, LIVE,                                                                                                           \
      "UPDATE signal SET run = ?2, role = ?3, greet = ?4, suspect = 0, doubt = ?13, needy = ?5, since = ?6, interval = ?7,"       \
      " expires = ?8, version = ?9, have = ?10, boxes = ?11, box = ?12, surplus = ?14, resigned = ?15 WHERE id = ?1")             \
    X(SIGNAL_BOX, LIVE, "UPDATE signal SET box_v = ?2 WHERE id = ?1")                                                             \
    X(SIGNAL_CALL, LIVE,                                                                                                          \
      "SELECT " SIGNAL_COLUMNS " FROM signal s WHERE s.circle = ?1 AND s.role = 1 AND s.needy = 0 AND s.expires > ?2"             \
      " AND s.box IS NOT NULL AND s.id <> ?3 ORDER BY s.suspect, s.surplus, (s.id + ?4) % 8 LIMIT 1")                             \
    X(SIGNAL_DELETE, LIVE, "DELETE FROM signal WHERE id = ?1")                                                                    \
    X(SIGNAL_SUSPECT, LIVE, "UPDATE signal SET suspect = suspect OR ?2, doubt = ?3 WHERE id = ?1")                                \
    X(SIGNAL_NEED, LIVE, "UPDATE signal SET needy = ?2, expires = min(expires, ?3) WHERE id = ?1")                                \
    X(SIGNAL_SWEEP, LIVE, "DELETE FROM signal WHERE id IN (SELECT id FROM signal s WHERE " ENDED " LIMIT ?1)")                    \
    X(SIGNAL_CLEAR, LIVE, "DELETE FROM signal WHERE circle = ?1")                                                                 \
    X(SIGNAL_GREETERS, LIVE,                                                                                                      \
      "SELECT s.surplus, s.doubt, s.bucket, s.wider, s.widest, s.surplus OR NOT " HAS_OFFERS "?3) OR " HAS_OFFERS "s.id)"         \
      " FROM signal s WHERE s.circle = ?1 AND s.role = 1 AND s.expires > ?2 AND s.suspect = 0 AND s.id <> ?3 ORDER BY " BEST      \
      " LIMIT ?4")                                                                                                                \
    X(SIGNAL_NETS, LIVE, "UPDATE signal SET bucket = ?2, wider = ?3, widest = ?4 WHERE id = ?1")                                  \
    X(NET_ADD, LIVE, "INSERT INTO net(circle, net, n) VALUES(?1, ?2, 1) ON CONFLICT DO UPDATE SET n = n + 1")                     \
    X(NET_LEAVE, LIVE, "UPDATE net SET n = n - 1 WHERE circle = ?1 AND net IN (?2, ?3, ?4)")                                      \
    X(NET_DROP, LIVE, "DELETE FROM net WHERE circle = ?1 AND net IN (?2, ?3, ?4) AND n < 1 AND mail < 1")                         \
    X(NET_COUNT, LIVE, "SELECT sum(n) FROM net WHERE circle = ?1 AND net IN (?2, ?3)")                                            \
    X(PULSE_GET, LIVE,                                                                                                            \
      "SELECT n - (SELECT count(*) FROM signal s WHERE +s.circle = ?1 AND " ENDED                                                 \
      "), joined, needy, mail, EXISTS(SELECT 1 FROM ended) FROM pulse WHERE circle = ?1")                                         \
    X(NET_MAIL, LIVE, "SELECT mail FROM net WHERE circle = ?1 AND net = ?2")                                                      \
    X(NET_ENDED, LIVE,                                                                                                            \
      "SELECT count(*) FROM signal s WHERE +s.circle = ?1 AND " ENDED                                                             \
      " AND (bucket IN (?4, ?5) OR wider IN (?4, ?5) OR widest IN (?4, ?5))")                                                     \
    /* what signals that are gone have left */                                                                                    \
    X(ENDED_FIRST, LIVE, "SELECT signal FROM ended WHERE until < ?1 OR until > ?1 + 121000 LIMIT 1")                              \
    X(ENDED_OFFERS, LIVE, "DELETE FROM offer WHERE n IN (SELECT n FROM offer WHERE signal = ?1 LIMIT ?2)")                        \
    X(ENDED_MAIL, LIVE, "DELETE FROM mail WHERE n IN (SELECT n FROM mail WHERE signal = ?1 LIMIT ?2)")                            \
    X(ENDED_DROP, LIVE, "DELETE FROM ended WHERE signal = ?1")                                                                    \
    X(PULSE_ADD, LIVE,                                                                                                            \
      "INSERT INTO pulse(circle, n, joined, needy, joins) VALUES(?1, 1, ?2, 0, 1)"                                                \
      " ON CONFLICT DO UPDATE SET n = n + 1, joined = excluded.joined, joins = joins + 1")                                        \
    X(PULSE_JOINED, LIVE, "UPDATE pulse SET joined = ?2 WHERE circle = ?1")                                                       \
    X(ROSTER, LIVE,                                                                                                               \
      "SELECT s.sig, s.role, s.have FROM signal s WHERE s.circle = ?1 AND s.expires > ?2"                                         \
      " ORDER BY s.role DESC, " BEST ", s.id LIMIT ?3")                                                                           \
    /* standing offers */                                                                                                         \
    X(OFFER_ADD, LIVE, "INSERT INTO offer(signal, id, sdp, expires) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")               \
    X(OFFER_COUNT, LIVE, "SELECT count(*) FROM offer o WHERE o.signal = ?1 AND " STANDS)                                          \
    X(OFFER_OLD, LIVE,                                                                                                            \
      "DELETE FROM offer WHERE signal = ?1 AND (expires NOT BETWEEN ?2 + 5000 AND ?2 + 121000"                                    \
      " OR n NOT IN (SELECT n FROM offer WHERE signal = ?1 AND taker IS NULL ORDER BY n DESC LIMIT ?3)"                           \
      " AND n NOT IN (SELECT n FROM offer WHERE signal = ?1 AND taker IS NOT NULL ORDER BY n DESC LIMIT 32))")                    \
    X(OFFER_WITHDRAW, LIVE, "DELETE FROM offer WHERE signal = ?1 AND taker IS NULL")                                              \
    X(OFFER_TAKE, LIVE, "UPDATE offer SET taker = ?2, net = ?3, wider = ?4, widest = ?5, helper = ?6 WHERE n = ?1")               \
    X(OFFER_ANSWERED, LIVE, "UPDATE offer SET spent = 1 WHERE signal = ?1 AND id = ?2 AND taker = ?3 AND spent = 0")              \
    X(OFFER_FORGET, LIVE, "UPDATE offer SET spent = 1 WHERE (taker = ?1 OR signal = ?1) AND spent = 0")                           \
    /* the word that a link is dead: good for one offer that was taken */                                                         \
    X(OFFER_BLAME, LIVE,                                                                                                          \
      "UPDATE offer SET spent = max(spent, ?4) WHERE n ="                                                                         \
      " (SELECT n FROM offer o WHERE taker = ?1 AND " HOLDS " AND signal = ?3 AND spent < 3 LIMIT 1)")                            \
    X(OFFER_ENDED, LIVE,                                                                                                          \
      "SELECT e.net FROM offer o JOIN ended e ON e.signal = o.signal WHERE o.taker = ?1 AND e.sig = ?3 AND " HOLDS)               \
    X(WORD_ADD, LIVE, "REPLACE INTO word VALUES(?1, ?2, ?3, ?4)")                                                                 \
    X(WORD_SAID, LIVE, "SELECT 1 FROM word WHERE circle = ?1 AND taker = ?2 AND net = ?3 AND until > ?4")                         \
    X(WORD_COUNT, LIVE, "SELECT count(*) FROM word WHERE circle = ?1 AND net = ?2 AND until BETWEEN ?3 AND ?4")                   \
    X(WORD_SWEEP, LIVE, "DELETE FROM word WHERE rowid IN (SELECT rowid FROM word WHERE until < ?1 OR until > ?2 LIMIT 50)")       \
    X(OFFER_AGAIN, LIVE,                                                                                                          \
      "SELECT o.n, " INVITATION " FROM offer o JOIN signal s ON s.id = o.signal"                                                  \
      " WHERE o.taker = ?3 AND o.spent = 0 AND s.circle = ?1 AND s.expires > ?2 AND " HOLDS " ORDER BY o.n LIMIT ?4")             \
    /* have the networks ?1, ?3, ?5 had their share of late: ?4, ?6, ?7 */                                                        \
    X(OFFER_SHARE, LIVE,                                                                                                          \
      "SELECT EXISTS(SELECT 1 FROM offer o WHERE o.net = ?1 AND " HOLDS " LIMIT 1 OFFSET ?4 - 1)"                                 \
      " OR EXISTS(SELECT 1 FROM offer o WHERE o.wider = ?3 AND o.wider <> 0 AND " HOLDS " LIMIT 1 OFFSET ?6 - 1)"                 \
      " OR EXISTS(SELECT 1 FROM offer o WHERE o.widest = ?5 AND o.widest <> 0 AND " HOLDS " LIMIT 1 OFFSET ?7 - 1)")              \
    /* the first few that have any, or (?4: 1) more than one: in a crowd nobody looks through all who wait */                     \
    X(OFFER_GREETERS, LIVE,                                                                                                       \
      "SELECT s.id, s.suspect, s.interval, s.since, s.doubt, s.whole FROM signal s WHERE s.circle = ?1"                           \
      " AND s.role = 1 AND s.needy < 2 AND s.expires > ?2 AND s.id <> ?3 AND EXISTS(SELECT 1 FROM offer o WHERE o.signal = s.id " \
      "AND " STANDS " LIMIT 1 OFFSET ?4) ORDER BY " BEST " LIMIT ?5")                                                             \
    X(OFFER_OF, LIVE,                                                                                                             \
      "SELECT min(o.n), " INVITATION " FROM signal s CROSS JOIN offer o ON o.signal = s.id WHERE s.id = ?1 AND " STANDS)          \
    /* any one of the first few that wait: whoever comes back to wait at once does not keep his place before others */            \
    X(OFFER_NEEDY, LIVE,                                                                                                          \
      "SELECT min(o.n), " INVITATION " FROM (SELECT id, surplus FROM signal s WHERE s.circle = ?1 AND s.role = 1"                 \
      " AND s.suspect = 0 AND s.needy = 1 AND s.expires > ?2 AND s.id <> ?3 AND NOT EXISTS(SELECT 1 FROM offer o WHERE o.signal"  \
      " = s.id AND (o.taker = ?3 OR (o.helper = ?4 AND ?4 <> s.whole)) AND " HOLDS ") AND"                                        \
      " EXISTS(SELECT 1 FROM offer o WHERE o.signal = s.id AND " STANDS ") ORDER BY " BEST " LIMIT 24) g"                         \
      " CROSS JOIN signal s ON s.id = g.id CROSS JOIN offer o ON o.signal = g.id WHERE " STANDS " GROUP BY g.id"                  \
      " ORDER BY g.surplus, random() LIMIT 1")                                                                                    \
    /* mail */                                                                                                                    \
    X(MAIL_ADD, LIVE,                                                                                                             \
      "INSERT INTO mail(circle, signal, sender, id, re, body, expires, rank, net, wider, widest)"                                 \
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                                                                    \
    /* the rank of one that waits already; what it has otherwise. ?7: it is short */                                              \
    X(MAIL_PLACE, LIVE,                                                                                                           \
      "SELECT (SELECT rank FROM mail WHERE sender = ?4 AND signal = ?1 AND id = ?5),"                                             \
      " CASE WHEN ?7 AND EXISTS(SELECT 1 FROM offer o WHERE signal = ?1 AND id = ?8 AND taker = ?3 AND spent = 0"                 \
      " AND " HOLDS ") THEN 0 WHEN EXISTS(SELECT 1 FROM offer WHERE taker = ?3 AND signal = ?1)"                                  \
      " OR EXISTS(SELECT 1 FROM offer WHERE taker = ?1 AND signal = ?3)"                                                          \
      " OR EXISTS(SELECT 1 FROM mail WHERE sender = ?6 AND signal = ?3) THEN 1 ELSE 2 END")                                       \
    /* before one of rank ?3, without answers; of that rank; of these, from its networks */                                       \
    X(MAIL_WAITING, LIVE,                                                                                                         \
      "SELECT count(*), sum(rank = ?3), sum(rank = ?3 AND net = ?4), sum(rank = ?3 AND wider = ?5 AND wider <> 0),"               \
      " sum(rank = ?3 AND widest = ?6 AND widest <> 0) FROM mail WHERE signal = ?1 AND rank BETWEEN 1 AND ?3 AND expires > ?2")   \
    X(MAIL_READ, LIVE,                                                                                                            \
      "SELECT n, sender, re, body, rank FROM mail WHERE signal = ?1 AND expires > ?2 AND n > CASE rank WHEN 0 THEN ?3 WHEN 1 "    \
      "THEN ?4 ELSE ?5 END"                                                                                                       \
      " ORDER BY rank, n LIMIT ?6")                                                                                               \
    X(MAIL_ACKNOWLEDGE, LIVE, "DELETE FROM mail WHERE signal = ?1 AND n <= CASE rank WHEN 0 THEN ?2 WHEN 1 THEN ?3 ELSE ?4 END")  \
    X(MAIL_CLEAR, LIVE, "DELETE FROM mail WHERE signal = ?1")                                                                     \
    /* some that have expired, and all of the sender ?2 */                                                                        \
    X(MAIL_SWEEP, LIVE,                                                                                                           \
      "DELETE FROM mail WHERE n IN (SELECT n FROM mail WHERE expires <= ?1 LIMIT 50) OR (sender = ?2 AND expires <= ?1)")         \
    X(MAIL_SENT, LIVE, "SELECT count(*), total(length(CAST(body AS BLOB))) FROM mail WHERE sender = ?1 AND expires > ?2")         \
    X(MAIL_TO, LIVE, "SELECT 1 FROM mail WHERE sender = ?1 AND signal = ?2 AND expires > ?3 LIMIT 1")                             \
    /* running counts */                                                                                                          \
    X(REFUSED_ADD, LIVE, "INSERT INTO refused VALUES(?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET n = n + 1, last = excluded.last")   \
    X(REFUSED_OLD, LIVE,                                                                                                          \
      "DELETE FROM refused WHERE circle = ?1 AND (last < ?3 OR origin = (SELECT origin FROM refused WHERE circle = ?1 AND"        \
      " origin <> ?2 ORDER BY n DESC, last DESC LIMIT 1 OFFSET ?4))")                                                             \
    X(REFUSED_LIST, LIVE, "SELECT origin, n FROM refused WHERE circle = ?1 ORDER BY n DESC")                                      \
    /* what is being moved to MAIN, all of one fold; one that was broken off is ended before the next begins */                   \
    X(TALLY_FOLD, LIVE,                                                                                                           \
      "INSERT INTO tally SELECT circle, 'joins', ?1, joins FROM pulse WHERE joins > 0 AND NOT EXISTS(SELECT 1 FROM tally)"        \
      " UNION ALL SELECT circle, 'mails', ?1, mails FROM pulse WHERE mails > 0 AND NOT EXISTS(SELECT 1 FROM tally)")              \
    X(PULSE_FOLDED, LIVE, "UPDATE pulse SET joins = 0, mails = 0 WHERE joins > 0 OR mails > 0")                                   \
    X(TALLY_LIST, LIVE, "SELECT circle, name, n, fold FROM tally")                                                                \
    X(TALLY_DELETE, LIVE, "DELETE FROM tally WHERE fold = ?1")                                                                    \
    X(FOLDED_GET, LIVE, "SELECT at FROM folded")                                                                                  \
    X(FOLDED_SET, LIVE, "UPDATE folded SET at = ?1")

#define SQL_ENUM(id, db, text) SQL_##id,
enum sql { SQL_TABLE(SQL_ENUM) SQL_COUNT };
#undef SQL_ENUM
