#include "push/frame_queue.h"
#include "suites.h"

#include <stdlib.h>

static void append_and_read(void)
{
    struct frame_queue s = {0};
    CU_ASSERT_EQUAL(frame_queue_append(&s, SLICE_LIT("abc")), OK);
    CU_ASSERT_EQUAL(frame_queue_append(&s, SLICE_LIT("de")), OK);
    CU_ASSERT(slice_eq(frame_queue_from(&s, 0), SLICE_LIT("abcde")));
    CU_ASSERT(slice_eq(frame_queue_from(&s, 3), SLICE_LIT("de")));
    frame_queue_forget(&s, 3); /* inside the only segment: nothing to free */
    CU_ASSERT(slice_eq(frame_queue_from(&s, 3), SLICE_LIT("de")));
    frame_queue_forget(&s, 5);
    CU_ASSERT_EQUAL(s.held_bytes, 0);
    CU_ASSERT_EQUAL(frame_queue_append(&s, SLICE_LIT("f")), OK);
    CU_ASSERT_EQUAL(s.end, 6);
    CU_ASSERT(slice_eq(frame_queue_from(&s, 5), SLICE_LIT("f")));
    frame_queue_fini(&s);
}

/* Readers at random positions, forgetting behind the slowest: what each reads is the sequence that was written. */
static void across_segments(void)
{
    enum { READERS = 5 };
    struct frame_queue s = {0};
    uint64_t pos[READERS] = {0};
    char piece[700];
    srand(3);
    for (unsigned round = 0; round < 3000; round++) {
        size_t len = (size_t)(rand() % (int)sizeof(piece)) + 1;
        for (size_t i = 0; i < len; i++)
            piece[i] = (char)((s.end + i) % 251);
        CU_ASSERT_EQUAL_FATAL(frame_queue_append(&s, slice_of(piece, len)), OK);
        unsigned reader = (unsigned)rand() % READERS;
        while (pos[reader] < s.end) {
            struct slice got = frame_queue_from(&s, pos[reader]);
            CU_ASSERT_FATAL(got.len > 0 && pos[reader] + got.len <= s.end);
            bool same = true;
            for (size_t i = 0; i < got.len; i++)
                same &= got.ptr[i] == (char)((pos[reader] + i) % 251);
            CU_ASSERT(same);
            pos[reader] += got.len;
        }
        uint64_t slowest = pos[0];
        for (unsigned i = 1; i < READERS; i++)
            slowest = pos[i] < slowest ? pos[i] : slowest;
        frame_queue_forget(&s, slowest);
        CU_ASSERT(s.held_bytes <= s.end - slowest + 65536);
    }
    char *large = calloc(1, 200000); /* more than a segment */
    CU_ASSERT_EQUAL(frame_queue_append(&s, slice_of(large, 200000)), OK);
    CU_ASSERT_EQUAL(frame_queue_from(&s, s.end - 200000).len, 200000);
    free(large);
    frame_queue_fini(&s);
    CU_ASSERT_EQUAL(s.held_bytes, 0);
}

const CU_TestInfo frame_queue_tests[] = {
    {"append and read", append_and_read}, {"across segments", across_segments}, CU_TEST_INFO_NULL};
