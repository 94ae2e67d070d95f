/* Ids and the pad they are made with (DESIGN 3). */
#include "circle/ids.h"
#include "tap.h"
#include "util/codec.h"
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/polycircle-ids.XXXXXX";

/* A generator that is known: what pad_take() gives beyond it comes from the entropy source. */
static const char *generator_name(void) {
    return "known";
}
static void generator(void *out, size_t n) {
    memset(out, 0x5a, n);
}
static randombytes_implementation known = {.implementation_name = generator_name, .buf = generator};

static void vectors(void) {
    char path[4096], line[8192], message[4096], pad_hex[256], want_hex[256];
    (void)snprintf(path, sizeof path, "%s/tests/vectors/otp.txt", getenv("SRCDIR"));
    FILE *f = fopen(path, "re");
    size_t n;
    int count = 0;
    while (f && fgets(line, sizeof line, f)) {
        uint8_t m[2048], pad[64], out[64], want[64];
        if (sscanf(line, "%zu %4095s %255s %255s", &n, message, pad_hex, want_hex) != 4) continue;
        size_t len = message[0] == '-' ? 0 : strlen(message) / 2;
        if (len) count += hex_decode(m, len, message) ? 0 : 1000;
        count += hex_decode(pad, n, pad_hex) && hex_decode(want, n, want_hex) ? 1 : 1000;
        otp(out, n, m, len, pad);
        ok(memcmp(out, want, n) == 0, "OTP_%zu of %zu bytes", n, len);
    }
    same_int(count, 44, "all vectors were read");
    if (f) (void)fclose(f);
}

static void names(void) {
    static const struct {
        const char *can;
        bool valid;
    } cases[] = {
        {"a", true},
        {"demo", true},
        {"9", true},
        {"a-b--c", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"", false},
        {"-", false},
        {"-a", false},
        {"a-", false},
        {"A", false},
        {"a.b", false},
        {"a_b", false},
        {"a b", false},
        {"\xc3\xbc", false},
        {"../a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok(can_valid(cases[i].can) == cases[i].valid, "CAN '%s'", cases[i].can);
}

static void cids(void) {
    uint8_t pad[8], again[8];
    struct cid a = cid_make("demo", pad), b = cid_make("demo", again);
    ok(cid_check(&a, "demo", pad), "a CID is what its CAN and pad give");
    ok(!cid_check(&a, "demp", pad), "and of no other CAN");
    pad[7] ^= 1;
    ok(!cid_check(&a, "demo", pad), "nor with another pad");
    ok(memcmp(a.b, b.b, 8) != 0 && memcmp(pad, again, 7) != 0, "pad is used once");
    struct sig s = sig_make("192.0.2.1", &a), t = sig_make("192.0.2.1", &a);
    ok(memcmp(s.b, t.b, 32) != 0, "the same address gets another SIG each time");
    struct mid m = mid_make(&s, "film.mp4");
    int others = 0;
    for (int i = 0; i < 64; i++) {
        struct mid n = mid_make(&s, "film.mp4");
        others += memcmp(m.b, n.b, 2) != 0;
    }
    ok(others > 32, "MIDs of one path are drawn anew");
    char *far = malloc(5000);
    memset(far, 'x', 4999);
    far[4999] = '\0';
    (void)mid_make(&s, far);
    (void)sig_make(far, &a);
    free(far);
    ok(true, "an address and a path of 5,000 bytes");
}

static const uint8_t reference[16] = {0x90, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xff};

/* What pad_take(16) gives, without the known generator's share. */
static void take(uint8_t out[16]) {
    pad_take(out, 16);
    for (int i = 0; i < 16; i++) out[i] ^= 0x5a;
}

static void gives(const char *path, const uint8_t *want, size_t len, const char *name) {
    uint8_t out[16], all[16] = {0};
    if (len) memcpy(all, want, len);
    pad_source(path);
    take(out);
    ok(memcmp(out, all, 16) == 0, "%s", name);
    pad_source(NULL);
}

static const char *file(const char *name, const void *bytes, size_t len) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) abort();
    (void)close(fd);
    return path;
}

static void files(void) {
    static const uint8_t zeros[16];
    char path[128];
    gives(NULL, NULL, 0, "no source: the generator alone");
    gives("", NULL, 0, "an empty path: the generator alone");
    gives("/nonexistent/source", NULL, 0, "an absent source: the generator alone");
    gives(dir, NULL, 0, "a directory: the generator alone");
    gives(file("full", reference, 16), reference, 16, "a file is XORed in, byte by byte");
    gives(file("short", reference, 3), reference, 3, "a short file: as far as it goes");
    gives(file("zeros", zeros, 16), NULL, 0, "a source of zeros takes nothing away");
    (void)snprintf(path, sizeof path, "%s/fifo", dir);
    if (mkfifo(path, 0600) != 0) abort();
    gives(path, NULL, 0, "a FIFO without a writer is not waited for");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    gives(path, NULL, 0, "nor an empty one");
    if (write(fd, reference, 16) != 16) abort();
    gives(path, reference, 16, "a FIFO is read");
    (void)close(fd);
}

enum egd { GOOD, SHORT, SILENT, RUDE, REFUSING };

/* One connection of the EGD protocol: command 1 and a count, answered by a count and so many bytes. */
static void egd_serve(int listener, enum egd kind) {
    uint8_t command[2] = {0}, answer[17] = {16};
    int fd = accept(listener, NULL, NULL);
    bool asked = read(fd, command, 2) == 2 && command[0] == 1 && command[1] == 16;
    memcpy(answer + 1, reference, 16);
    answer[0] = kind == SHORT ? 3 : 16;
    if (kind == RUDE) _exit(0);
    if (asked && kind != SILENT && write(fd, answer, (size_t)answer[0] + 1) < 0) _exit(1);
    if (kind == SILENT) (void)pause();
    (void)close(fd);
    _exit(asked ? 0 : 1);
}

static void egd(enum egd kind, const uint8_t *want, size_t len, const char *name) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/egd%d", dir, (int)kind);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 0) != 0) abort();
    int waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid = 0;
    if (kind == REFUSING) /* nobody accepts, and the queue is full */
        (void)connect(waiting, (struct sockaddr *)&at, sizeof at);
    else if ((pid = fork()) == 0)
        egd_serve(listener, kind);
    gives(at.sun_path, want, len, name);
    if (kind == SILENT) (void)kill(pid, SIGTERM);
    if (pid) (void)waitpid(pid, &status, 0);
    if (kind == GOOD) ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it was asked as the protocol says");
    (void)close(waiting);
    (void)close(listener);
}

/* How many networks two addresses have in common, from the widest on; 0: none. */
static int shared(const char *a, const char *b, const uint8_t *key, int64_t day) {
    struct nets x = nets_of(a, key, day), y = nets_of(b, key, day);
    int n = 0;
    for (size_t i = 0; i < NETS; i++) n += x.id[i] && x.id[i] == y.id[i];
    return x.n == y.n ? n : -1;
}

static void networks(void) {
    static const struct {
        const char *a, *b;
        int shared;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 2},
        {"192.0.2.1", "192.0.2.2", 1},
        {"192.0.2.1", "192.0.3.1", 0},
        {"192.0.2.1", "::ffff:192.0.2.1", 2},
        {"2001:db8::1", "2001:db8::ffff:2", 3},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", 2},
        {"2001:db8:0:1::1", "2001:db8:0:100::1", 1},
        {"2001:db8:0:1::1", "2001:db8:1:1::1", 0},
        {"192.0.2.1", "2001:db8::1", -1},
        {"unix:", "unix:", 1},
        {"unix:", "unix", 0},
        {"", "", 1},
    };
    const uint8_t key[32] = {1}, other[32] = {2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_int(shared(cases[i].a, cases[i].b, key, 0), cases[i].shared, "networks that '%s' and '%s' share", cases[i].a,
                 cases[i].b);
    struct nets one = nets_of("192.0.2.1", key, 0);
    ok(one.id[0] != one.id[1], "a network and the one around it are two");
    ok(one.id[0] != nets_of("192.0.2.1", key, 1).id[0], "and others on the next day");
    ok(one.id[0] != nets_of("192.0.2.1", other, 0).id[0], "and with another key");
    ok(nets_of("10.0.0.0", key, 0).id[0] != nets_of("10.0.0.0", key, 0).id[1], "also where the bits that are left out are 0");
}

int main(void) {
    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(60); /* what waits for a source for ever ends the test */
    if (sodium_init() < 0 || !mkdtemp(dir)) return 99;
    vectors();
    names();
    cids();
    networks();
    randombytes_set_implementation(&known);
    files();
    egd(GOOD, reference, 16, "an EGD socket is XORed in");
    egd(SHORT, reference, 3, "an EGD socket that has only 3 bytes");
    egd(SILENT, NULL, 0, "an EGD socket that never answers is not waited for");
    egd(RUDE, NULL, 0, "an EGD socket that hangs up: the generator alone");
    egd(REFUSING, NULL, 0, "an EGD socket whose queue is full is not waited for");
    int rc = done();
    (void)fflush(stdout);
    return execlp("sh", "sh", "-c", "rm -rf \"$0\"; exit $1", dir, rc ? "1" : "0", NULL);
}
