/* embedded.h: the pages as the build has made them (cmake/build_pages.cmake). Private to src/web.
 * Thread:  constant data. */
#pragma once
#include <stddef.h>

struct embedded {
    const char *path; /* that it is served at */
    const char *hash; /* of its bytes before they were compressed */
    const unsigned char *gzip;
    size_t gzip_len, plain_len;
};

extern const struct embedded embedded_pages[];
extern const unsigned embedded_count;
