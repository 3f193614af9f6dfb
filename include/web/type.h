/* type.h: what a file of the pages is, by its name.
 * Thread:  pure. */
#pragma once
#include "base/slice.h"

/* Content-Type; ptr NULL: none of what pages are made of. */
struct slice web_type(struct slice name);
