#include "web/type.h"

struct slice web_type(struct slice name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (slice_ends(name, slice_cstr(types[i].end)))
            return slice_cstr(types[i].type);
    return (struct slice){0};
}
