/* validate.h: what a request's fields must be before they become a model. Pure rules, one function per kind of field.
 * Thread:  any; no state.
 * Owns:    nothing.
 * Fails:   with a verdict: which rule, its limit, a sentence. The route decides on 400, 404 or 422.
 * All text that arrives here is well-formed UTF-8 already (json_in.h and body.h see to it). Characters are code points.
 */
#pragma once
#include "chat/model.h"

enum fault {
    FAULT_NONE,
    FAULT_TOO_SHORT, /* fewer than `limit` characters */
    FAULT_TOO_LONG,  /* more than `limit` characters (bytes: see `reason`) */
    FAULT_FORM       /* not made as `reason` says */
};

struct verdict {
    enum fault fault;
    int64_t limit;
    const char *reason; /* constant; for FAULT_FORM a clause such as "must not hold control characters" */
};

size_t text_chars(struct slice s); /* code points; each byte that is not part of UTF-8 counts as one */

/* Empty: FAULT_TOO_SHORT (route: 400). Its length is bounded by --max-body. Blanks are content. */
struct verdict validate_content(struct slice content);
struct verdict validate_role(struct slice role);             /* 1–ROLE_MAX_CHARS characters, any */
struct verdict validate_client_key(struct slice client_key); /* 0–CLIENT_KEY_MAX_CHARS characters; empty: no key */
struct verdict validate_customer_id(struct slice id); /* ≤ CUSTOMER_ID_MAX bytes, no control characters; empty: none */
struct verdict validate_new_id(struct slice id);      /* the same, and no address that a customer is given */
struct verdict validate_email(struct slice email); /* ≤ EMAIL_MAX bytes, an '@', no control characters; blank: none */
struct verdict validate_name(struct slice name);   /* ≤ CUSTOMER_NAME_MAX bytes */
struct verdict validate_agent_name(struct slice name); /* ≤ AGENT_NAME_MAX bytes, no control characters; empty: none */
struct verdict
validate_assigned_to(struct slice id); /* ≤ ASSIGNED_TO_MAX bytes, no control characters; empty: nobody */
/* What a dashboard changes of a customer or a chat. */
struct verdict validate_given_name(struct slice name); /* 1–CUSTOMER_NAME_MAX bytes */
struct verdict validate_category(struct slice text);   /* one of those that the inboxes know */
struct verdict validate_status(struct slice text); /* 1–FIELD_MAX bytes; active, resolved and escalated are counted */
struct verdict validate_chat_status(struct slice text); /* open or closed */
struct verdict validate_section(struct slice text);     /* a category or status to list by: ≤ ASKED_BYTES bytes */
struct verdict validate_search(struct slice text);      /* ≤ ASKED_BYTES bytes, ASKED_WORDS words (chat/words.h) */
struct verdict validate_side(struct slice text);        /* user or agent */
struct verdict validate_field(struct slice text);       /* any other stored text: ≤ FIELD_MAX bytes */
struct verdict validate_object(struct slice json);      /* location, device: ≤ JSON_FIELD_MAX bytes of source text */

/* False: no stored chat is found by this id (route: 404). 1–CHAT_ID_MAX bytes, any: what existing data calls its chats is
 * not ours to choose. */
bool chat_id_possible(struct slice chat_id);
/* False: no stored customer can be found by it (route: 404 "User not found"). Id, reference or email. */
bool customer_ident_possible(struct slice ident);
