/* multipart.h: multipart/form-data (RFC 7578) to fields. Private to src/http.
 * Thread:  pure function. */
#pragma once
#include "http/body.h"

/* *problem: constant text that says what is wrong. ERR_INVALID, ERR_TOO_LARGE, ERR_NOMEM. */
NODISCARD enum err multipart_parse(struct slice content_type, struct slice text, struct arena *a, struct body *out,
                                   const char **problem);
