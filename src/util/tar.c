#include "util/tar.h"

enum { RECORD = 512, CHECKSUM = 148 };

void tar_add(struct buf *out, const char *name, const void *data, size_t len) {
    char head[RECORD] = {0};
    (void)snprintf(head, 100, "%s", name);
    (void)snprintf(head + 100, 8, "%07o", 0644);
    (void)snprintf(head + 108, 8, "%07o", 0);
    (void)snprintf(head + 116, 8, "%07o", 0);
    (void)snprintf(head + 124, 12, "%011zo", len);
    (void)snprintf(head + 136, 12, "%011o", 0);
    memset(head + CHECKSUM, ' ', 8);
    head[156] = '0';
    static const char magic[8] = {'u', 's', 't', 'a', 'r', '\0', '0', '0'};
    memcpy(head + 257, magic, sizeof magic);
    unsigned sum = 0;
    for (size_t i = 0; i < RECORD; i++) sum += (unsigned char)head[i];
    (void)snprintf(head + CHECKSUM, 8, "%06o", sum & 0777777);
    buf_add(out, head, RECORD);
    buf_add(out, data, len);
    static const char zeros[RECORD];
    buf_add(out, zeros, (RECORD - len % RECORD) % RECORD);
}

void tar_end(struct buf *out) {
    static const char zeros[2 * RECORD];
    buf_add(out, zeros, sizeof zeros);
}

const char *tar_find(const char *tar, size_t len, const char *name, size_t *size) {
    enum { NAME = 100, SIZE = 124, OCTAL = 8 };
    for (size_t at = 0; len - at > RECORD && tar[at];) {
        size_t room = len - at - RECORD, n = strtoul(tar + at + SIZE, NULL, OCTAL);
        if (n > room) return NULL;
        *size = n;
        if (strncmp(tar + at, name, NAME) == 0) return tar + at + RECORD;
        n += (RECORD - n % RECORD) % RECORD;
        at += RECORD + (n < room ? n : room);
    }
    return NULL;
}
