/* Words about a failure quote what strangers sent, and still are valid text for JSON. */
#include "util/err.h"
#include "tap.h"
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
    static const struct {
        const char *quoted, *want;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xbc \xe2\x82\xac \xf0\x9f\x8e\x88", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x8e\x88"},
        {"\xff", "?"},
        {"a\xc3", "a?"},
        {"\xc3(", "?("},
        {"\xe2\x82", "??"},
        {"\xf0\x9f\x8e", "???"},
        {"\xc0\xaf", "??"},
        {"\xe0\x80\xaf", "???"},
        {"\xf0\x80\x80\xaf", "????"},
        {"\xed\xa0\x80", "???"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xf5\x80\x80\x80", "????"},
        {"\x80", "?"},
        {"a\nb\x1b[31m\x7f", "a?b?[31m?"},
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        same_int(fault_set(&fault, ERR_BUSY, "%s", cases[i].quoted), ERR_BUSY, "case %zu returns its error", i);
        same_text(fault.text, cases[i].want, "case %zu", i);
    }
    errno = ENOENT;
    same_int(fault_errno(&fault, ERR_FILES, "a\xff"), ERR_FILES, "what the system refused");
    same_text(fault.text, "a?: look at the names in this path, one of them is not there. (No such file or directory)",
              "the step first, then the system's words");
    errno = EIO;
    (void)!fault_errno(&fault, ERR_FILES, "x");
    ok(strstr(fault.text, "x: try again") && strstr(fault.text, "(Input/output error)"), "any other has a step, too: %s",
       fault.text);
    const uid_t user = geteuid();
    if (user == 0 && seteuid(65534) != 0) abort();
    errno = EACCES;
    (void)!fault_errno(&fault, ERR_FILES, "/usr/polycircle-1f00/x");
    ok(strstr(fault.text, "/usr/polycircle-1f00/x: give it permissions"), "of what is not to be looked for nothing more is known");
    errno = EACCES;
    (void)!fault_errno(&fault, ERR_FILES, "/usr/polycircle-1f00");
    ok(strstr(fault.text, "/usr belongs to user 0, and the program runs as user ") == fault.text && strstr(fault.text, "suEXEC"),
       "what may not be made: whose the folder is, %s", fault.text);
    if (user == 0 && seteuid(0) != 0) abort();
    char many[1000];
    memset(many, 0xc3, sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2) many[i] = (char)0xbc;
    many[999] = '\0';
    for (size_t i = 0; i < 4; i++) {
        (void)!fault_set(&fault, ERR_BUSY, "%.*s%s", (int)i, "abc", many);
        json_t *text = json_string(fault.text);
        ok(text != NULL, "cut at byte %zu of a character, it is still valid", i % 2);
        json_decref(text);
    }
    for (int e = 0; e < ERR_COUNT; e++)
        ok(*err_name((enum err)e) && err_status((enum err)e) >= 200 && (e == ERR_OK || *err_text((enum err)e, NULL)),
           "%s has a status and says what to do", err_name((enum err)e));
    for (int e = 0; e < ERR_COUNT; e++) {
        const char *text = err_text((enum err)e, NULL), *command = strstr(text, "polycircle "), *bracket = strchr(text, '(');
        ok(!command || (bracket && bracket < command), "what is typed stands behind what who has no shell does: %s", text);
    }
    return done();
}
