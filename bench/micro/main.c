/* main.c: what one step of a message's way costs, each alone: JSON in, render, request parse, reply head, frame
 * encode, ring, mailbox. Prints nanoseconds per operation: the median of five runs of at least 100 ms.
 *   bench_micro [NAME…]    only those whose name contains one of the words */
#include "micro.h"

#include <string.h>

static bool wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const struct micro *const lists[] = {micro_text, micro_handoff};
    unsigned ran = 0;
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        for (const struct micro *m = lists[l]; m->name; m++) {
            if (!wanted(m->name, argc, argv))
                continue;
            micro_measure(m);
            ran++;
        }
    }
    return ran ? 0 : 2;
}
