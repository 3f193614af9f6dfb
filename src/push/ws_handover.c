#include "push/ws_handover.h"

#include <stdlib.h>

static char *put(char *at, struct slice *text)
{
    if (text->len > 0)
        memcpy(at, text->ptr, text->len);
    text->ptr = at;
    return at + text->len;
}

static struct ws_principal *copy_principal(const struct ws_principal *from)
{
    struct ws_principal *p = malloc(sizeof(*p) + from->id.len + from->agent_id.len + from->name.len);
    if (!p)
        return NULL;
    *p = *from;
    put(put(put((char *)(p + 1), &p->id), &p->agent_id), &p->name);
    return p;
}

struct ws_handover *ws_handover_new(int fd, struct slice head, struct slice rest, const struct ws_principal *principal)
{
    if (head.len > UINT32_MAX || rest.len > UINT32_MAX)
        return NULL;
    struct ws_handover *h = malloc(sizeof(*h) + head.len + rest.len);
    if (!h)
        return NULL;
    *h = (struct ws_handover){.fd = fd, .head_len = (uint32_t)head.len, .rest_len = (uint32_t)rest.len};
    if (principal) {
        h->principal = copy_principal(principal);
        if (!h->principal) {
            free(h);
            return NULL;
        }
    }
    if (head.len)
        memcpy(h->bytes, head.ptr, head.len);
    if (rest.len)
        memcpy(h->bytes + head.len, rest.ptr, rest.len);
    return h;
}

void ws_handover_free(struct ws_handover *h)
{
    free(h->principal);
    free(h);
}
