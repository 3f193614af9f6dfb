#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const texts[ERR__COUNT] = {
    [OK] = "ok",
    [ERR_NOMEM] = "out of memory",
    [ERR_INVALID] = "invalid input",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "already exists",
    [ERR_TOO_LARGE] = "too large",
    [ERR_BUSY] = "busy, try again later",
    [ERR_STORE] = "the store failed",
    [ERR_REFUSED] = "the store cannot hold this",
    [ERR_FAILED] = "the store could not do this",
    [ERR_TIMEOUT] = "timed out",
    [ERR_CHANGED] = "it has changed",
    [ERR_CONFLICT] = "conflicts with the present state",
    [ERR_IO] = "input/output error",
    [ERR_CLOSED] = "closed",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_DENIED] = "not allowed",
};

const char *err_text(enum err e)
{
    return (unsigned)e < ERR__COUNT ? texts[e] : "unknown error";
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
