/* fetch.h: one blocking GET on a connection of its own, for what is not measured (/metrics).
 * Fails: 0 when there is no answer within 5 seconds; else the status. */
#pragma once
#include "options.h"
#include "response.h"

int fetch(const struct endpoint *to, const char *path, struct text *body);
