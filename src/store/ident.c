#include "store/ident.h"

#include "chat/email.h"

enum err ident_find(ident_find_fn find, void *arg, struct slice ident, struct customer *out)
{
    enum err e = find(arg, CUSTOMER_BY_NAME, ident, out);
    if (e != ERR_NOT_FOUND)
        return e;
    if (!email_is_default(ident))
        return find(arg, CUSTOMER_BY_EMAIL, ident, out);
    struct slice id = email_made_for(ident);
    e = id.len > 0 ? find(arg, CUSTOMER_BY_ID, id, out) : ERR_NOT_FOUND;
    return e == OK && !email_same(out->email, ident) ? ERR_NOT_FOUND : e;
}

struct reading {
    struct store_reader *reader;
    struct arena *arena;
};

static enum err read_customer(void *arg, enum customer_by by, struct slice value, struct customer *out)
{
    const struct reading *r = arg;
    return r->reader->vtable->read_customer(r->reader, by, value, r->arena, out);
}

enum err ident_read(struct store_reader *reader, struct slice ident, struct arena *a, struct customer *out)
{
    return ident_find(read_customer, &(struct reading){reader, a}, ident, out);
}
