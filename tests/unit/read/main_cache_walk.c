/* The cache over SQLite, in random walks: see cache_walk.h. */
#include "cache_walk.h"
#include "sqlite_files.h"

#include <stdlib.h>

#define WALK_STEPS 250

static int walks = 40;

static enum err open_quick(void *arg, struct store **out)
{
    (void)arg;
    struct buf why = {0};
    enum err err = sqlite_open_path("?durability=none", out, &why);
    buf_fini(&why);
    return err;
}

static void memory_and_store_answer_alike(void)
{
    struct store_factory quick = sqlite_factory;
    quick.open = open_quick;
    walk_all(&quick, walks, WALK_STEPS);
}

static const CU_TestInfo tests[] = {
    {"memory and store answer alike", memory_and_store_answer_alike},
    CU_TEST_INFO_NULL,
};

/* unit_cache_walk [STEPS] */
int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 0;
    if (steps > 0)
        walks = (steps + WALK_STEPS - 1) / WALK_STEPS;
    return suite_run((struct suite[]){{"cache over sqlite", tests}, {0}});
}
