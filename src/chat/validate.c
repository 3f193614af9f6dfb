#include "chat/validate.h"

#include "chat/email.h"

#include "base/text.h"
#include "chat/words.h"

#define STR_(x) #x
#define STR(x)  STR_(x)

static const struct verdict fine = {.fault = FAULT_NONE};

size_t text_chars(struct slice s)
{
    size_t chars = 0;
    while (s.len > 0) {
        size_t step = utf8_len(s);
        if (step == 0)
            step = 1;
        s.ptr += step;
        s.len -= step;
        chars++;
    }
    return chars;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static struct verdict too_short(int64_t limit)
{
    return (struct verdict){FAULT_TOO_SHORT, limit, "is too short"};
}

static struct verdict within(struct slice s, size_t max_bytes, const char *reason)
{
    if (s.len > max_bytes)
        return (struct verdict){FAULT_TOO_LONG, (int64_t)max_bytes, reason};
    return fine;
}

/* An id or an address: what is looked up by, and shown in one line. */
static struct verdict key_text(struct slice s, size_t max_bytes, const char *reason)
{
    if (has_control(s))
        return (struct verdict){FAULT_FORM, 0, "must not hold control characters"};
    return within(s, max_bytes, reason);
}

struct verdict validate_content(struct slice content)
{
    return content.len == 0 ? too_short(1) : fine;
}

struct verdict validate_role(struct slice role)
{
    if (role.len == 0)
        return too_short(1);
    /* A code point has at most 4 bytes: more than that many need not be counted. */
    if (role.len > ROLE_MAX_BYTES || text_chars(role) > ROLE_MAX_CHARS)
        return (struct verdict){FAULT_TOO_LONG, ROLE_MAX_CHARS, "must be at most " STR(ROLE_MAX_CHARS) " characters"};
    return fine;
}

struct verdict validate_client_key(struct slice client_key)
{
    const int64_t max = CLIENT_KEY_MAX_CHARS;
    if (client_key.len > (size_t)max * 4 || text_chars(client_key) > (size_t)max)
        return (struct verdict){FAULT_TOO_LONG, max, "must be at most " STR(CLIENT_KEY_MAX_CHARS) " characters"};
    return fine;
}

struct verdict validate_customer_id(struct slice id)
{
    return key_text(id, CUSTOMER_ID_MAX, "must be at most " STR(CUSTOMER_ID_MAX) " bytes");
}

/* Whose address that is would be another customer's to find by it. */
struct verdict validate_new_id(struct slice id)
{
    if (email_made_for(id).len > 0)
        return (struct verdict){FAULT_FORM, 0, "must not be an address that this server makes"};
    return validate_customer_id(id);
}

struct verdict validate_email(struct slice email)
{
    if (email.len <= EMAIL_MAX && slice_trim(email, EMAIL_BLANKS).len > 0 && !memchr(email.ptr, '@', email.len))
        return (struct verdict){FAULT_FORM, 0, "must be an e-mail address"};
    return key_text(email, EMAIL_MAX, "must be at most " STR(EMAIL_MAX) " bytes");
}

struct verdict validate_name(struct slice name)
{
    return within(name, CUSTOMER_NAME_MAX, "must be at most " STR(CUSTOMER_NAME_MAX) " bytes");
}

struct verdict validate_agent_name(struct slice name)
{
    return key_text(name, AGENT_NAME_MAX, "must be at most " STR(AGENT_NAME_MAX) " bytes");
}

struct verdict validate_assigned_to(struct slice id)
{
    return key_text(id, ASSIGNED_TO_MAX, "must be at most " STR(ASSIGNED_TO_MAX) " bytes");
}

struct verdict validate_given_name(struct slice name)
{
    return name.len == 0 ? too_short(1) : validate_name(name);
}

struct verdict validate_category(struct slice text)
{
    if (slice_eq(text, SLICE_LIT(CATEGORY_AGENT_INBOX)) || slice_eq(text, SLICE_LIT(CATEGORY_HUMAN_CHATS)))
        return fine;
    return (struct verdict){FAULT_FORM, 0, "must be " CATEGORY_AGENT_INBOX " or " CATEGORY_HUMAN_CHATS};
}

struct verdict validate_status(struct slice text)
{
    return text.len == 0 ? too_short(1) : validate_field(text);
}

struct verdict validate_chat_status(struct slice text)
{
    if (slice_eq(text, SLICE_LIT("open")) || slice_eq(text, SLICE_LIT("closed")))
        return fine;
    return (struct verdict){FAULT_FORM, 0, "must be open or closed"};
}

struct verdict validate_side(struct slice text)
{
    if (slice_eq(text, SLICE_LIT(ROLE_USER)) || slice_eq(text, SLICE_LIT(ROLE_AGENT)))
        return fine;
    return (struct verdict){FAULT_FORM, 0, "must be " ROLE_USER " or " ROLE_AGENT};
}

struct verdict validate_field(struct slice text)
{
    return within(text, FIELD_MAX, "must be at most " STR(FIELD_MAX) " bytes");
}

struct verdict validate_object(struct slice json)
{
    return within(json, JSON_FIELD_MAX, "must be at most " STR(JSON_FIELD_MAX) " bytes of JSON");
}

bool chat_id_possible(struct slice chat_id)
{
    return chat_id.len > 0 && chat_id.len <= CHAT_ID_MAX;
}

bool customer_ident_possible(struct slice ident)
{
    return ident.len > 0 && ident.len <= EMAIL_MAX && !has_control(ident);
}

struct verdict validate_section(struct slice text)
{
    return text.len > ASKED_BYTES ? within(text, ASKED_BYTES, "must be at most " STR(ASKED_BYTES) " bytes") : fine;
}

struct verdict validate_search(struct slice text)
{
    if (text.len <= ASKED_BYTES && words_asked(text) > ASKED_WORDS)
        return (struct verdict){FAULT_FORM, 0, "must have at most " STR(ASKED_WORDS) " words"};
    return validate_section(text);
}
