/* compressor.h: bodies of answers as gzip, for clients that take it. Each is compressed once, however many wait for it, and what
 * comes of it stays with the body (blob_packed()), which memory keeps for as long as nothing changes.
 * Thread:  runs its own ("compressor"); compressor_submit() from any worker.
 * Owns:    every op from a submit that returned OK until it is posted to op->reply_to.
 * Blocks:  submit never. An op waits for what is queued before it: COMPRESS_QUEUE_BYTES at most, and whose turn comes after
 *          COMPRESS_WAIT_US finds its body as it is.
 * Fails:   ERR_BUSY: too much is queued, or of this client; ERR_EXISTS: the body has its other form already. Nothing taken.
 * Metrics: G_COMPRESSOR_QUEUE, M_COMPRESSED, M_QUEUE_FULL_COMPRESSOR. */
#pragma once
#include "read/view.h"
#include "write/op.h"

#define COMPRESS_BYTES_MIN   ((uint32_t)4096)     /* a smaller body saves no packet worth the wait */
#define COMPRESS_BYTES_MAX   ((uint32_t)16 << 20) /* a larger one goes as it is */
#define COMPRESS_QUEUE_BYTES ((size_t)16 << 20)   /* some 0.1 s of work */
#define COMPRESS_QUEUE_JOBS  64
#define COMPRESS_OF_ONE_MAX  4 /* bodies that one client has made wait */
#define COMPRESS_WAIT_US     INT64_C(250000)

/* An answer that waits for the other form of its body. */
struct compress {
    struct op op;
    struct view_answer answer; /* its body: one reference, the op's */
    uint64_t client;           /* who waits for it */
};

extern const struct op_kind compress_kind;

static inline struct compress *compress_of(struct op *op)
{
    return (struct compress *)op;
}

struct compressor;

/* memory: of what is made; it outlives all of it. */
NODISCARD enum err compressor_start(struct slab *memory, struct compressor **out);
NODISCARD enum err compressor_submit(struct compressor *c, struct op *op);
void compressor_stop(struct compressor *c); /* finishes what is queued, then ends the thread */
void compressor_free(struct compressor *c);
