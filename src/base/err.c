#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *text;
    int status;
} table[ERR__COUNT] = {
    [OK] = {"ok", 200},
    [ERR_NOMEM] = {"out of memory", 503},
    [ERR_INVALID] = {"invalid input", 400},
    [ERR_NOT_FOUND] = {"not found", 404},
    [ERR_EXISTS] = {"already exists", 409},
    [ERR_TOO_LARGE] = {"too large", 413},
    [ERR_BUSY] = {"busy, try again later", 503},
    [ERR_STORE] = {"the store failed", 503},
    [ERR_REFUSED] = {"the store cannot hold this", 422},
    [ERR_FAILED] = {"the store could not do this", 503},
    [ERR_TIMEOUT] = {"timed out", 503},
    [ERR_CONFLICT] = {"conflicts with the present state", 409},
    [ERR_IO] = {"input/output error", 500},
    [ERR_CLOSED] = {"closed", 503},
    [ERR_UNSUPPORTED] = {"not supported", 501},
    [ERR_DENIED] = {"not allowed", 403},
};

const char *err_text(enum err e)
{
    return (unsigned)e < ERR__COUNT ? table[e].text : "unknown error";
}

int err_http_status(enum err e)
{
    return (unsigned)e < ERR__COUNT ? table[e].status : 500;
}

static last_words_fn last_words;

void must_say_with(last_words_fn say)
{
    last_words = say;
}

_Noreturn void must_failed(const char *file, int line, const char *cond)
{
    char what[256];
    snprintf(what, sizeof(what), "%s:%d: broken invariant: %s", file, line, cond);
    if (last_words)
        last_words("broken invariant", what);
    else
        (void)dprintf(STDERR_FILENO, "sakurad: %s\n", what);
    abort();
}
