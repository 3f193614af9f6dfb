/* Lines are words of the command line, or of the environment where they begin with "$": options that are accepted obey
 * their ranges, what is refused says why in one line of text, and a password never shows. */
#include "fuzz.h"

#include "app/config.h"

#include <stdlib.h>

#define WORDS_MAX 40
#define SECRET    "pw-9c1f"

/* One line of printable text, and no secret. */
static void check_text(struct slice s, bool one_line)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        must(c >= 0x20 || (!one_line && c == '\n'));
        must(c != 0x7f);
    }
}

static void check_accepted(const struct config *c)
{
    must(c->action >= CONFIG_RUN && c->action <= CONFIG_MIGRATE);
    must(c->listen.count >= 1 && c->listen.count <= CONFIG_LIST_MAX);
    must(c->workers >= 1 && c->workers <= 256 && c->store.readers >= 1 && c->broadcasters >= 1);
    must(c->max_connections >= 1 && c->max_body >= 1 && c->max_head >= 256);
    must(c->queue >= 1 && c->batch >= 1 && c->cache_mb >= 1 && c->store.write_timeout_ms >= 10);
    must(c->store.uri && c->store.uri[0]);
    must(c->log_level <= LOG_DEBUG && (c->log_format == LOG_TEXT || c->log_format == LOG_JSON));
    for (unsigned i = 0; i < c->listen.count; i++)
        must(c->listen.items[i] && c->listen.items[i][0]);
}

static void check_printed(const struct config *c)
{
    struct buf text = {0};
    config_print(c, &text);
    must(buf_ok(&text) && text.len > 0);
    buf_clear(&text);
    store_mask_uri(c->store.uri, &text);
    must(strncmp(c->store.uri, "mongodb", 7) != 0 || !strstr(buf_cstr(&text), ":" SECRET "@"));
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *argv[WORDS_MAX + 1] = {(char *)"sakurad"}, *envp[WORDS_MAX + 1] = {0};
    int argc = 1, envc = 0;
    must(text);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *at = text, *end; at; at = end ? end + 1 : NULL) {
        end = strchr(at, '\n');
        if (end)
            *end = '\0';
        if (*at == '$' && envc < WORDS_MAX)
            envp[envc++] = at + 1;
        else if (*at != '$' && argc < WORDS_MAX)
            argv[argc++] = at;
    }
    struct config c = {0};
    struct buf said = {0};
    enum err e = config_parse(&c, argc, argv, envp, &said);
    must(e == OK || e == ERR_INVALID);
    must((e == OK) == (said.len == 0));
    check_text(buf_slice(&said), true);
    if (e == OK) {
        check_accepted(&c);
        check_printed(&c);
    }
    config_fini(&c);
    buf_fini(&said);
    free(text);
    return 0;
}
