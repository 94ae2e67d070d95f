/* Whose request it is behind proxies, and what the settings take. */
#include "circle/address.h"
#include "circle/setting.h"
#include "host/settings.h"
#include "tap.h"
#include "world.h"

static void chains(void) {
    static const struct {
        const char *remote, *forwarded, *networks, *want;
    } cases[] = {
        {"192.0.2.1", "", "", "192.0.2.1"},
        {"192.0.2.1", "198.51.100.7", "", "192.0.2.1"}, /* nobody is believed by default */
        {"192.0.2.1", "198.51.100.7", "192.0.2.1", "198.51.100.7"},
        {"192.0.2.1", "10.9.9.9, 198.51.100.7", "192.0.2.1", "198.51.100.7"}, /* the client wrote the first one */
        {"192.0.2.1", "203.0.113.5, 198.51.100.7", "192.0.2.0/24 198.51.100.7", "203.0.113.5"},
        {"192.0.2.1", "198.51.100.7 , 192.0.2.9", "192.0.2.0/24", "198.51.100.7"},
        {"192.0.2.1", "192.0.2.2,192.0.2.3", "192.0.2.0/24", "192.0.2.2"}, /* all of them proxies: the first there is */
        {"192.0.2.1", "unknown", "192.0.2.1", "192.0.2.1"},
        {"192.0.2.1", "198.51.100.7:4711", "192.0.2.1", "198.51.100.7"}, /* some write the port, too */
        {"192.0.2.1", "[2001:db8::5]:4711, 192.0.2.2:80", "192.0.2.0/24", "2001:db8::5"},
        {"192.0.2.1", "2001:db8::5:4711", "192.0.2.1", "2001:db8::5:4711"},
        {"192.0.2.1", "198.51.100.7/8", "192.0.2.1", "192.0.2.1"},
        {"::1", "2001:db8::5", "::1", "2001:db8::5"},
        {"2001:db8:1:2::9", "198.51.100.7", "2001:db8:1::/48", "198.51.100.7"},
        {"2001:db8:2:2::9", "198.51.100.7", "2001:db8:1::/48", "2001:db8:2:2::9"},
        {"::ffff:192.0.2.1", "198.51.100.7", "192.0.2.0/24", "198.51.100.7"},
        {"192.0.2.129", "198.51.100.7", "192.0.2.128/25", "198.51.100.7"},
        {"192.0.2.127", "198.51.100.7", "192.0.2.128/25", "192.0.2.127"},
        {"203.0.113.1", "198.51.100.7", "0.0.0.0/0", "198.51.100.7"},
        {"2001:db8::1", "198.51.100.7", "0.0.0.0/0", "2001:db8::1"},
        {"", "198.51.100.7", "0.0.0.0/0", ""},
        {"unix:", "198.51.100.7", "0.0.0.0/0", "unix:"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        same_text(address_behind(&a, cases[i].remote, cases[i].forwarded, cases[i].networks), cases[i].want,
                  "%s behind '%s' of '%s'", cases[i].remote, cases[i].forwarded, cases[i].networks);
    arena_free(&a);
}

static void settings_kept(void) {
    static const struct {
        const char *name, *value;
        bool good;
    } cases[] = {
        {"root", "/tmp", true},
        {"root", "/nonexistent", false},
        {"root", "tmp", false},
        {"budget", "20", true},
        {"budget", "0", false},
        {"budget", "-1", false},
        {"budget", "1000", false},
        {"wire", "h", true},
        {"wire", "x", false},
        {"spool_url", "https://site.example/spool/", true},
        {"spool_url", "https://site.example/spool", false},
        {"spool_url", "/spool/", false},
        {"proxies", "10.0.0.0/8 ::1, 192.0.2.1", true},
        {"proxies", "10.0.0.0/33", false},
        {"proxies", "::1/129", false},
        {"proxies", "10.0.0.0/", false},
        {"proxies", "proxy.example", false},
        {"gen", "7", false},
        {"pepper", "x", false},
    };
    struct world w;
    const char *value;
    int64_t number;
    world_open(&w, "truncate");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err e = settings_set(&w.ctx, cases[i].name, cases[i].value);
        same_text(err_name(e), cases[i].good ? "ok" : "usage", "%s %s", cases[i].name, cases[i].value);
    }
    (void)!setting_get(&w.ctx, "wire", &value);
    same_text(value, "h", "a setting is kept");
    (void)!setting_number(&w.ctx, "budget", 2, &number);
    same_int(number, 20, "as a number, too");
    same_text(err_name(settings_set(&w.ctx, "budget", "")), "ok", "an empty value");
    (void)!setting_number(&w.ctx, "budget", 2, &number);
    same_int(number, 2, "takes it away");
    world_close(&w);
}

static void between(void) {
    static const struct {
        const char *remote, *forwarded, *host, *networks, *client;
        enum via want;
    } cases[] = {
        {"198.51.100.7", "", "site.example", "", "", VIA_NOBODY},
        {"192.0.2.1", "203.0.113.1, 198.51.100.7", "site.example", "", "198.51.100.7", VIA_PROXY},
        {"192.0.2.1", "198.51.100.7", "site.example", "192.0.2.0/24", "198.51.100.7", VIA_NOBODY},
        {"198.51.100.7", "198.51.100.7", "site.example", "", "198.51.100.7", VIA_NOBODY}, /* the server has put it right already */
        {"10.0.0.5", "", "site.example", "", "", VIA_SILENT},
        {"::ffff:10.0.0.5", "", "site.example", "", "", VIA_SILENT},
        {"127.0.0.1", "", "www.site.example", "", "", VIA_SILENT},
        {"fd00::5", "", "site.example", "", "", VIA_SILENT},
        {"10.0.0.5", "", "198.51.100.1", "", "", VIA_SILENT},
        {"10.0.0.5", "", "site.example", "10.0.0.0/8", "", VIA_NOBODY}, /* listed: it is known to say nothing of itself */
        {"192.0.2.1", "198.51.100.7:4711", "site.example", "192.0.2.0/24", "198.51.100.7", VIA_NOBODY},
        {"192.0.2.1", "unknown", "site.example", "192.0.2.0/24", "unknown", VIA_SILENT},
        {"10.0.0.5", "", "10.0.0.1", "", "", VIA_NOBODY}, /* whoever asks is in that network */
        {"127.0.0.1", "", "localhost", "", "", VIA_NOBODY},
        {"127.0.0.1", "", "site.localhost", "", "", VIA_NOBODY},
        {"192.168.1.9", "", "nas.local", "", "", VIA_NOBODY},
        {"192.168.1.9", "", "nas", "", "", VIA_NOBODY},
        {"fe80::1", "", "[fe80::2]", "", "", VIA_NOBODY},
        {"", "", "site.example", "", "", VIA_NOBODY},
        {"", "x", "site.example", "", "x", VIA_PROXY},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *client = NULL;
        same_int(address_via(&a, cases[i].remote, cases[i].forwarded, cases[i].host, cases[i].networks, &client), cases[i].want,
                 "'%s' for '%s' at %s", cases[i].remote, cases[i].forwarded, cases[i].host);
        same_text(client, cases[i].client, "speaks for");
    }
    arena_free(&a);
}

int main(void) {
    chains();
    between();
    settings_kept();
    return done();
}
