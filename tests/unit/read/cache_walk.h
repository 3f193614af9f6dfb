/* cache_walk.h: a property of the cache over any store: whatever was created, reported and sent, in whatever batches, with
 * customers evicted and the server restarted in between, a read that memory answers is what the store alone answers
 * (docs/architecture.md, invariant 4).
 * The texts that name customers are few and collide on purpose: addresses that are ids, references, or spelled otherwise,
 * default addresses, digits of an ObjectId in capitals; some rows were there before, as an older server may have left them. */
#pragma once
#include "store_rig.h"

/* One walk on an empty database. False: a read differed; it was printed, with the seed. */
bool walk_run(const struct store_factory *factory, unsigned seed, int steps);
/* Several, so that histories stay short: with seeds 1, 2, … and the last with one that no run had before. */
void walk_all(const struct store_factory *factory, int walks, int steps);
