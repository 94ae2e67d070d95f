/* What a signal needs, and what changes that: one table (need.c). */
#pragma once

/* These numbers stand in the live database; who needs less is chosen first. */
enum need {
    CONTENT,
    NEEDY, /* has deposited offers itself; a greeter will take one */
    SEEKING, /* joined, found others but no offer */
    NEEDS,
    ANY_NEED = NEEDS, /* in a row: whatever it needs */
};

/* In the order of a request, which is a reload or not, a join (given or missed) or not, and one of those that follow. */
enum need_event {
    EVENT_RELOADED, /* a new run of the page has taken it over */
    EVENT_GIVEN, /* a join has an offer of one who is not suspected, or is alone */
    EVENT_MISSED, /* a join has none */
    EVENT_OFFERS, /* it deposits offers */
    EVENT_ANSWERS, /* it sends mail, and does not join */
    EVENT_BOTH, /* offers and answers */
    EVENT_LAPSED, /* neither, half of its lease is over, and no offer of its own stands */
    EVENT_OTHER, /* it says something else */
    EVENT_REACHED, /* in another's request: that one answers an offer of its; without an action */
    NEED_EVENTS,
};

enum need_action { NO_ACTION, CALL_GREETER /* by its box */ };

struct need_row {
    enum need now;
    enum need_event event;
    enum need next;
    enum need_action action;
};

enum { NEED_ROWS = 17 };
extern const struct need_row need_rows[NEED_ROWS];

/* The row of now and event. For a number that is no need it is the last one. */
const struct need_row *need_row(enum need now, enum need_event event);
