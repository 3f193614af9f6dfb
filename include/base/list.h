/* list.h: room for one more item in an array on the heap, which its owner frees (in an arena: arena_grow()).
 * Arguments are names of the owner's fields: they are read more than once. `first`: the capacity to begin with; then it
 * doubles. False: no memory, and nothing has changed. */
#pragma once
#include <stdlib.h>

#define list_room(items, count, cap, first)                                                                            \
    ((count) < (cap) || __extension__({                                                                                \
         size_t more_ = (cap) > 0 ? 2 * (size_t)(cap) : (first);                                                       \
         void *grown_ = reallocarray((items), more_, sizeof(*(items)));                                                \
         if (grown_) {                                                                                                 \
             (items) = grown_;                                                                                         \
             (cap) = (__typeof__(cap))more_;                                                                           \
         }                                                                                                             \
         grown_ != NULL;                                                                                               \
     }))
