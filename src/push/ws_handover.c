#include "push/ws_handover.h"

#include <stdlib.h>

struct ws_handover *ws_handover_new(int fd, struct slice head, struct slice rest, const struct ws_principal *principal)
{
    if (head.len > UINT32_MAX || rest.len > UINT32_MAX)
        return NULL;
    struct ws_handover *h = malloc(sizeof(*h) + head.len + rest.len);
    if (!h)
        return NULL;
    *h = (struct ws_handover){.fd = fd, .head_len = (uint32_t)head.len, .rest_len = (uint32_t)rest.len};
    if (principal) {
        h->has_principal = true;
        h->principal = *principal;
    }
    if (head.len)
        memcpy(h->bytes, head.ptr, head.len);
    if (rest.len)
        memcpy(h->bytes + head.len, rest.ptr, rest.len);
    return h;
}
