/* What a principal may be made of. */
#include "api/auth.h"

#include "chat/validate.h"

bool principal_set(struct principal *p, enum principal_kind kind, struct slice id)
{
    struct oid oid;
    *p = (struct principal){.kind = (uint8_t)kind};
    if (validate_customer_id(id).fault != FAULT_NONE || !slice_is_utf8(id) || (kind == PRINCIPAL_WIDGET && id.len == 0))
        return false;
    p->id_len = (uint8_t)id.len;
    if (kind == PRINCIPAL_WIDGET && oid_parse(id, &oid))
        oid_format(&oid, p->id);
    else if (id.len > 0)
        memcpy(p->id, id.ptr, id.len);
    return true;
}

bool principal_set_agent(struct principal *p, struct slice id, struct slice name)
{
    if (validate_customer_id(id).fault != FAULT_NONE || validate_agent_name(name).fault != FAULT_NONE ||
        !slice_is_utf8(id) || !slice_is_utf8(name) || (id.len == 0 && name.len > 0))
        return false;
    p->agent_id_len = (uint8_t)id.len;
    p->agent_name_len = (uint8_t)name.len;
    if (id.len > 0)
        memcpy(p->agent_id, id.ptr, id.len);
    if (name.len > 0)
        memcpy(p->agent_name, name.ptr, name.len);
    return true;
}
