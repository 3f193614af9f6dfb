#include "access/scope.h"

#include "base/metrics.h"
#include "chat/email.h"
#include "chat/model.h"

bool scope_allows(const struct scope *s, struct slice customer_id, struct slice owner)
{
    switch (s->kind) {
    case SCOPE_ALL:
        return true;
    case SCOPE_NOBODY:
        return false;
    case SCOPE_CUSTOMER:
        return s->id.len > 0 && slice_eq(s->id, customer_id);
    case SCOPE_OWNER:
        return s->id.len > 0 && slice_eq(s->id, owner);
    }
    return false;
}

enum err scope_refusal(const struct scope *s)
{
    return s->kind == SCOPE_OWNER ? ERR_NOT_FOUND : ERR_DENIED;
}

bool scope_names(const struct customer *row, struct slice ident)
{
    struct oid oid;
    char text[OID_LEN];
    if (oid_parse(ident, &oid)) { /* an ObjectId's text is lower case, whatever case it is asked for in */
        oid_format(&oid, text);
        ident = slice_of(text, sizeof(text));
    }
    return slice_eq(ident, row->id) ||
           (ident.len > 0 && (slice_eq(ident, row->reference) || email_same(row->email, ident) ||
                              email_same(row->claimed_email, ident)));
}

enum err scope_check(const struct scope *s, struct slice customer_id, struct slice owner)
{
    bool allowed = scope_allows(s, customer_id, owner);
    if (!allowed && s->kind == SCOPE_OWNER) /* the others are counted where they are answered: 403 */
        metrics_add(M_AUTH_DENIED, 1);
    return allowed ? OK : scope_refusal(s);
}
