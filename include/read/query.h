/* query.h: a GET that a reader has to answer, as it travels (write/op.h). */
#pragma once
#include "read/view.h"
#include "write/op.h"

struct query {
    struct op op;
    struct view_query asked;
    struct view_answer answer; /* its body: one reference, the op's */
    uint64_t client;           /* whose it is: searches of many clients take turns */
    uint64_t turn;             /* the readers' own */
};

extern const struct op_kind query_kind;

static inline struct query *query_of(struct op *op)
{
    return (struct query *)op;
}
