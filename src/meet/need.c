#include "meet/need.h"

const struct need_row need_rows[NEED_ROWS] = {
    /* what the page's old life waited for is gone with it */
    {ANY_NEED, EVENT_RELOADED, CONTENT, NO_ACTION},
    /* it answers what it was given, or there is nobody to wait for */
    {ANY_NEED, EVENT_GIVEN, CONTENT, NO_ACTION},
    /* somebody is there, but has nothing to answer: as a greeter it is asked for offers of its own */
    {CONTENT, EVENT_MISSED, SEEKING, NO_ACTION},
    /* it joins again: the offers that it has deposited count on */
    {NEEDY, EVENT_MISSED, NEEDY, NO_ACTION},
    /* it joins again before it could deposit any */
    {SEEKING, EVENT_MISSED, SEEKING, NO_ACTION},
    /* a greeter's, for newcomers */
    {CONTENT, EVENT_OFFERS, CONTENT, NO_ACTION},
    /* fresh ones: nobody has come yet */
    {NEEDY, EVENT_OFFERS, NEEDY, CALL_GREETER},
    /* from here on a greeter has something to take */
    {SEEKING, EVENT_OFFERS, NEEDY, CALL_GREETER},
    /* it has found somebody */
    {ANY_NEED, EVENT_ANSWERS, CONTENT, NO_ACTION},
    /* a greeter that fills its offers up, and answers one who was needy */
    {CONTENT, EVENT_BOTH, CONTENT, NO_ACTION},
    /* while it waited it has found somebody; its offers may help others */
    {NEEDY, EVENT_BOTH, CONTENT, NO_ACTION},
    /* what it answers are suspects' offers, of a join that has missed: these may be dead */
    {SEEKING, EVENT_BOTH, NEEDY, CALL_GREETER},
    /* who had half a lease for it and offers nothing is no longer waiting */
    {ANY_NEED, EVENT_LAPSED, CONTENT, NO_ACTION},
    {CONTENT, EVENT_OTHER, CONTENT, NO_ACTION},
    /* who was called may have gone: another one */
    {NEEDY, EVENT_OTHER, NEEDY, CALL_GREETER},
    /* its browser may still be making the offers */
    {SEEKING, EVENT_OTHER, SEEKING, NO_ACTION},
    /* the answer is under way to it */
    {ANY_NEED, EVENT_REACHED, CONTENT, NO_ACTION},
};

const struct need_row *need_row(enum need now, enum need_event event) {
    const struct need_row *row = need_rows, *last = need_rows + NEED_ROWS - 1;
    while (row < last && (row->event != event || (row->now != now && row->now != ANY_NEED))) row++;
    return row;
}
