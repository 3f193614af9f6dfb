#include "http/encoding.h"

#define Q_WHOLE  1000 /* q=1, in thousandths */
#define Q_UNSAID (-1)

/* "1", "0.25": in thousandths. What is none counts as 0: nothing is sent to whom we do not understand. */
static int parse_q(struct slice text)
{
    int q = 0, unit = Q_WHOLE;
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
        (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1)
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        q += (text.ptr[i] - '0') * unit;
        unit /= 10;
    }
    return q > Q_WHOLE ? 0 : q;
}

/* "gzip;q=0.5" → its name, and 500. */
static int weight_of(struct slice item, struct slice *coding)
{
    int q = Q_WHOLE;
    struct slice rest = item, parameter;
    if (!slice_take(&rest, ';', coding))
        *coding = (struct slice){0};
    *coding = slice_trim(*coding, " \t");
    while (slice_take(&rest, ';', &parameter)) {
        parameter = slice_trim(parameter, " \t");
        if (parameter.len >= 2 && (parameter.ptr[0] | 0x20) == 'q' && parameter.ptr[1] == '=')
            q = parse_q(slice_of(parameter.ptr + 2, parameter.len - 2));
    }
    return q;
}

bool http_accepts_gzip(const struct http_request *req, struct arena *a)
{
    int gzip = Q_UNSAID, any = Q_UNSAID, identity = Q_UNSAID;
    struct slice list, item, coding;
    if (http_list_whole(req, SLICE_LIT("Accept-Encoding"), a, &list) != OK)
        return false;
    while (http_list_next(&list, &item)) {
        int q = weight_of(item, &coding);
        if (slice_eq_nocase(coding, SLICE_LIT("gzip")) || slice_eq_nocase(coding, SLICE_LIT("x-gzip")))
            gzip = q;
        else if (slice_eq_nocase(coding, SLICE_LIT("identity")))
            identity = q;
        else if (slice_eq(coding, SLICE_LIT("*")))
            any = q;
    }
    if (gzip == Q_UNSAID)
        gzip = any;
    return gzip > 0 && gzip >= identity;
}
