/* Whole numbers, bare in the option's own unit or with one behind them: 75000 and 75s, 1048576 and 1M. */
#include "config_value.h"

struct unit {
    const char *name;
    int64_t worth; /* in the smallest: ms or bytes */
};

#define SECOND INT64_C(1000)
#define MIB    (INT64_C(1) << 20)

static const struct unit times[] = {
    {"ms", 1}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND}, {"d", 86400 * SECOND}, {0}};
/* As programs of this kind take them: 1K is 1024. */
static const struct unit sizes[] = {{"K", 1024},        {"M", MIB}, {"G", MIB << 10}, {"KiB", 1024}, {"MiB", MIB},
                                    {"GiB", MIB << 10}, {0}};

/* The units that an option takes and what its own is worth in them; NULL: it is a count of something. */
static const struct unit *units_of(const struct option_row *row, int64_t *own)
{
    const char *unit = row->unit ? row->unit : "";
    bool bytes = strcmp(unit, "bytes") == 0, mib = strcmp(unit, "MiB") == 0;
    bool ms = strcmp(unit, "ms") == 0, s = strcmp(unit, "s") == 0;
    *own = mib ? MIB : s ? SECOND : 1;
    return bytes || mib ? sizes : ms || s ? times : NULL;
}

const char *option_units(const struct option_row *row)
{
    int64_t own;
    const struct unit *units = units_of(row, &own);
    return !units           ? ""
           : units == sizes ? ", or with a unit: 512K, 64M, 1G"
                            : ", or with a unit: 500ms, 10s, 2m, 1h, 7d";
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    for (; units && units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

enum number option_number(const struct option_row *row, const char *text, int64_t *out)
{
    int64_t own, worth;
    size_t digits = strspn(text, "0123456789");
    const struct unit *units = units_of(row, &own), *unit = find_unit(units, text + digits);
    uint64_t number;
    if (digits == 0 || (text[digits] != '\0' && !unit))
        return NUMBER_NONE;
    worth = unit ? unit->worth : own;
    if (!slice_to_u64(slice_of(text, digits), &number) || number > (uint64_t)(INT64_MAX / worth))
        return NUMBER_FAR;
    int64_t value = (int64_t)number * worth;
    if (value % own != 0)
        return NUMBER_PART;
    value /= own;
    if (value < row->min || value > row->max)
        return NUMBER_FAR;
    *out = value;
    return NUMBER_GOOD;
}
