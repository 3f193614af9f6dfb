/* One option's value, from whatever words it was given in. */
#include "config_value.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 120 /* bytes of a bad value that an error repeats */

void option_show(struct slice text, size_t most, struct buf *out)
{
    for (size_t i = 0; i < text.len && i < most; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(out, c < 0x20 || c == 0x7f ? '?' : text.ptr[i]);
    }
    if (text.len > most)
        buf_append_lit(out, "…");
}

static void show_value(const struct option_row *row, const char *value, struct buf *out)
{
    struct buf masked = {0};
    if (row->uri)
        store_mask_uri(value, &masked);
    else
        buf_append_slice(&masked, slice_cstr(value));
    buf_append_char(out, '\'');
    option_show(buf_slice(&masked), SHOWN_MAX, out);
    buf_append_char(out, '\'');
    buf_fini(&masked);
}

enum err option_refuse(const struct source *from, const char *value, const char *what)
{
    buf_printf(from->message, "%s: ", from->name);
    show_value(from->row, value, from->message);
    buf_printf(from->message, " %s", what);
    return ERR_INVALID;
}

static enum err set_int(const struct source *from, int64_t *field, const char *value)
{
    const struct option_row *row = from->row;
    const char *space = row->unit ? " " : "", *unit = row->unit ? row->unit : "";
    char what[160];
    switch (option_number(row, value, field)) {
    case NUMBER_GOOD:
        return OK;
    case NUMBER_FAR:
        snprintf(what, sizeof(what), "is out of range; give %lld to %lld%s%s", (long long)row->min, (long long)row->max,
                 space, unit);
        break;
    case NUMBER_PART:
        snprintf(what, sizeof(what), "is not a whole number of %s; give %lld to %lld%s%s", unit, (long long)row->min,
                 (long long)row->max, space, unit);
        break;
    case NUMBER_NONE:
        snprintf(what, sizeof(what), "is not a whole number; give %lld to %lld%s%s%s", (long long)row->min,
                 (long long)row->max, space, unit, option_units(row));
        break;
    }
    return option_refuse(from, value, what);
}

static enum err set_bool(const struct source *from, bool *field, const char *value)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq_nocase(slice_cstr(value), slice_cstr(words[i]))) {
            *field = i % 2 == 1;
            return OK;
        }
    return option_refuse(from, value, "is neither true nor false; give true or false");
}

static enum err set_choice(const struct source *from, void *field, const char *value)
{
    const char *const *choices = from->row->choices;
    struct buf what = {0};
    buf_append_lit(&what, "is not known; give ");
    for (int i = 0; choices[i]; i++) {
        if (strcmp(value, choices[i]) == 0) {
            memcpy(field, &i, sizeof(i)); /* our enums are ints */
            buf_fini(&what);
            return OK;
        }
        buf_printf(&what, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    }
    enum err err = option_refuse(from, value, buf_cstr(&what));
    buf_fini(&what);
    return err;
}

static enum err check_text(const struct source *from, const char *value)
{
    const char *wrong = value[0] == '\0' ? "is empty; give a value" : NULL;
    if (!wrong && from->row->check)
        wrong = from->row->check(value);
    return wrong ? option_refuse(from, value, wrong) : OK;
}

static enum err set_text(const struct source *from, char **field, const char *value)
{
    enum err err = check_text(from, value);
    if (err != OK)
        return err;
    char *copy = strdup(value);
    if (!copy)
        return ERR_NOMEM;
    free(*field);
    *field = copy;
    return OK;
}

static bool any_free_port(const char *value)
{
    return slice_ends(slice_cstr(value), SLICE_LIT(":0"));
}

static char *tidied(const struct option_row *row, const char *value)
{
    struct buf tidy = {0};
    if (!row->tidy)
        return strdup(value);
    row->tidy(value, &tidy);
    char *copy = buf_ok(&tidy) ? strdup(buf_cstr(&tidy)) : NULL;
    buf_fini(&tidy);
    return copy;
}

static enum err add_item(const struct source *from, struct config_list *list, const char *given)
{
    enum err err = check_text(from, given);
    if (err != OK)
        return err;
    char *value = tidied(from->row, given);
    if (!value)
        return ERR_NOMEM;
    const char *wrong = list->count == CONFIG_LIST_MAX ? "is one too many; give at most 32" : NULL;
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->items[i], value) == 0 && !any_free_port(value))
            wrong = "is given twice; give each once";
    if (!wrong) {
        list->items[list->count++] = value;
        return OK;
    }
    free(value);
    return option_refuse(from, given, wrong);
}

/* Items separated by commas, with spaces around them allowed. */
static enum err add_items(const struct source *from, struct config_list *list, const char *value)
{
    enum err err = OK;
    for (const char *at = value; err == OK;) {
        size_t len = strcspn(at, ",");
        struct slice item = slice_trim(slice_of(at, len), " \t");
        char *copy = strndup(item.ptr, item.len);
        if (!copy)
            return ERR_NOMEM;
        err = add_item(from, list, copy);
        free(copy);
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    return err;
}

enum err option_set(struct config *c, const struct source *from, const char *value, bool list_text)
{
    void *field = option_field(c, from->row);
    switch (from->row->type) {
    case OPTION_ACTION:
        c->action = (enum config_action)from->row->min;
        return OK;
    case OPTION_BOOL:
        return set_bool(from, field, value);
    case OPTION_INT:
        return set_int(from, field, value);
    case OPTION_CHOICE:
        return set_choice(from, field, value);
    case OPTION_TEXT:
        return set_text(from, field, value);
    case OPTION_LIST:
        return list_text ? add_items(from, field, value) : add_item(from, field, value);
    }
    must(false); /* the table holds a type that is not in the enum */
    return ERR_INVALID;
}
