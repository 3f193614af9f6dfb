/* check.h: what the options cannot say of themselves.
 * Thread:  main, before threads start.
 * Blocks:  check_run() on a MongoDB store for some seconds where it does not answer. */
#pragma once
#include "app/config.h"

/* --check-config: everything that a start would refuse, looked at as the user who will serve. Prints what it finds to
 * stderr, and to stdout that all is well. The process is --user's afterwards. */
bool check_run(const struct config *c, char **envp);
/* At a start: names in the environment that are no option's, to the log. */
void check_environment(char **envp);
