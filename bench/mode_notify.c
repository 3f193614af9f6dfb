/* mode_notify.c: from the first byte of a POST to the WebSocket frame that tells of it, one at a time.
 * Thread:  worker 0 posts, receives and (--verify) reads back; further threads make the --background load.
 * Steps of one turn: POST → answer and frame, in any order → with --verify, at the frame: GET, which must hold the
 *          message → now and then one append + fdatasync of 250 bytes in --data-dir, with nothing else under way. */
#include "modes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_CHATS     64u /* the measured posts go round these, so that none grows long */
#define DISK_FILE     (4u << 20)
#define DISK_ROW      250
#define DISK_EACH     16 /* in closed loop: posts to one fdatasync */
#define BACKGROUND_OF 64u

struct shared {
    struct requests requests;
    unsigned own_chats;
};

struct notifier {
    struct conn post, listener, verifier;
    struct group background;
    struct sender sender;
    struct text body;
    uint32_t sequence;
    char mark[MARK_LEN];
    bool under_way, answered, framed, verified;
    int64_t due_ns;
    double next_due_ns;
    unsigned since_disk;
    int disk_fd;
    off_t disk_at;
};

static void maybe_finish(struct notifier *n)
{
    if (n->under_way && n->answered && n->framed && n->verified) {
        n->under_way = false;
        n->since_disk++;
    }
}

static void on_answer(struct conn *c)
{
    struct notifier *n = c->owner;
    struct worker *w = c->worker;
    if (c == &n->post && c->response.status == 200)
        worker_done(w, OP_SEND, c->due_ns, 0);
    else if (c == &n->verifier && !(n->body.ptr && memmem(n->body.ptr, n->body.len, n->mark, MARK_LEN)))
        worker_failed(w, OP_VERIFY, FAIL_STALE);
    else if (c == &n->verifier)
        worker_done(w, OP_VERIFY, c->due_ns, c->response.body_bytes);
    else
        worker_failed(w, OP_SEND, FAIL_STATUS);
    if (c == &n->post)
        n->answered = true;
    else
        n->verified = true;
    maybe_finish(n);
}

static void read_back(struct notifier *n, struct worker *w)
{
    const struct shared *s = w->load->shared;
    char email[64];
    size_t len = world_email(&w->load->world, n->sequence % s->own_chats % w->load->world.customers, email);
    len = template_build_get(&s->requests.poll, email, len, NULL, 0, w->out);
    n->body.len = 0;
    conn_request(&n->verifier, OP_VERIFY, w->now_ns, w->out, len, &n->body);
}

static void on_frame(struct conn *c, const char *payload, size_t len)
{
    struct notifier *n = c->owner;
    struct worker *w = c->worker;
    if (!n->under_way || n->framed || !memmem(payload, len, n->mark, MARK_LEN))
        return; /* of the background */
    worker_done(w, OP_NOTIFY, n->due_ns, len);
    n->framed = true;
    if (w->load->options->verify && n->verifier.state == CONN_READY)
        read_back(n, w);
    else
        n->verified = true;
    maybe_finish(n);
}

static void on_ready(struct conn *c)
{
    (void)c;
}

static void on_lost(struct conn *c) /* the failure has been counted: go on with the next */
{
    struct notifier *n = c->owner;
    n->under_way = false;
}

static const struct conn_actor ACTOR = {.ready = on_ready, .response = on_answer, .message = on_frame, .lost = on_lost};

static void begin(struct notifier *n, struct worker *w, int64_t due_ns)
{
    const struct shared *s = w->load->shared;
    mark_write(n->mark, 0, ++n->sequence);
    n->under_way = true;
    n->answered = n->framed = n->verified = false;
    n->due_ns = due_ns;
    const char *chat = w->load->world.chat_ids[n->sequence % s->own_chats];
    size_t len = template_build_send(&s->requests.send_marked, chat, n->mark, n->sequence, w->out);
    w->now_ns = now_ns();
    if (w->load->options->rate <= 0)
        n->due_ns = w->now_ns;
    conn_request(&n->post, OP_SEND, n->due_ns, w->out, len, NULL);
}

static void disk_open(struct notifier *n, const struct options *o)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/.sakurad-bench-XXXXXX", o->data_dir) >= (int)sizeof(path))
        die("--data-dir is too long");
    n->disk_fd = mkostemp(path, O_CLOEXEC);
    if (n->disk_fd < 0)
        die("%s: %s", path, strerror(errno));
    unlink(path);
    char *zeros = must_alloc(DISK_FILE, 1); /* written, not only reserved: an append must not wait for the metadata */
    if (pwrite(n->disk_fd, zeros, DISK_FILE, 0) != (ssize_t)DISK_FILE || fsync(n->disk_fd) != 0)
        die("%s: %s", o->data_dir, strerror(errno));
    free(zeros);
}

static void disk_sample(struct notifier *n, struct worker *w)
{
    char row[DISK_ROW];
    memset(row, 'r', sizeof(row));
    int64_t from_ns = now_ns();
    if (pwrite(n->disk_fd, row, sizeof(row), n->disk_at) != (ssize_t)sizeof(row) || fdatasync(n->disk_fd) != 0)
        die("fdatasync: %s", strerror(errno));
    w->now_ns = now_ns();
    worker_done(w, OP_DISK, from_ns, sizeof(row));
    n->disk_at = (n->disk_at + DISK_ROW) % (DISK_FILE - DISK_ROW);
    n->since_disk = 0;
}

static void prepare(struct load *l)
{
    struct shared *s = must_alloc(1, sizeof(*s));
    requests_init(&s->requests, l->options);
    l->shared = s;
    unsigned wanted = l->options->background > 0 ? OWN_CHATS + 1000 : OWN_CHATS;
    world_make(l, wanted, wanted, 0);
    s->own_chats = l->world.chats > OWN_CHATS ? OWN_CHATS : (l->world.chats + 1) / 2;
}

/* The background has threads of its own where there are several. */
static bool has_background(const struct worker *w)
{
    return w->load->options->background > 0 && (w->index > 0 || w->load->threads == 1);
}

static void start(struct worker *w)
{
    const struct shared *s = w->load->shared;
    struct notifier *n = must_alloc(1, sizeof(*n));
    w->own = n;
    n->disk_fd = -1;
    n->sender = (struct sender){.requests = &s->requests, .first = s->own_chats};
    if (has_background(w))
        group_init(&n->background, w, &SEND_KIND, BACKGROUND_OF, &n->sender);
    if (w->index > 0)
        return;
    conn_init(&n->post, w, &ACTOR, n, 0);
    conn_init(&n->listener, w, &ACTOR, n, 1);
    conn_init(&n->verifier, w, &ACTOR, n, 2);
    n->listener.websocket = true;
    conn_open(&n->post);
    conn_open(&n->listener);
    if (w->load->options->verify)
        conn_open(&n->verifier);
    disk_open(n, w->load->options);
}

static void go(struct worker *w)
{
    struct notifier *n = w->own;
    n->next_due_ns = (double)w->now_ns;
    unsigned senders = w->load->threads > 1 ? w->load->threads - 1 : 1;
    if (n->background.count)
        group_go(&n->background, w->load->options->background * w->load->threads / senders);
}

static void give_up_overdue(struct notifier *n, struct worker *w)
{
    if (!n->under_way || w->now_ns - n->due_ns < (int64_t)(w->load->options->timeout_s * 1e9))
        return;
    worker_failed(w, OP_NOTIFY, FAIL_MISSED);
    n->under_way = false;
}

static int64_t turn(struct worker *w)
{
    struct notifier *n = w->own;
    int64_t next = n->background.count ? group_turn(&n->background) : NEVER_NS;
    double rate = w->load->options->rate;
    if (w->index > 0)
        return next;
    give_up_overdue(n, w);
    if (n->under_way || worker_ending(w) || n->post.state != CONN_READY || n->post.busy ||
        n->listener.state != CONN_READY)
        return next;
    if (rate > 0 && rate <= 200 &&
        n->since_disk) { /* half-way to the next post, so that it finds the machine as idle */
        int64_t at_ns = (int64_t)(n->next_due_ns - 0.5e9 / rate);
        if (w->now_ns < at_ns)
            return next < at_ns ? next : at_ns;
        disk_sample(n, w);
    } else if (n->since_disk >= DISK_EACH) {
        disk_sample(n, w);
    }
    if (rate > 0 && n->next_due_ns > (double)w->now_ns)
        return next < (int64_t)n->next_due_ns ? next : (int64_t)n->next_due_ns;
    begin(n, w, (int64_t)n->next_due_ns);
    n->next_due_ns += rate > 0 ? 1e9 / rate : 0;
    return next;
}

static bool pending(struct worker *w)
{
    struct notifier *n = w->own;
    return n->under_way;
}

static void end(struct worker *w)
{
    struct notifier *n = w->own;
    if (n->background.count)
        group_end(&n->background);
}

static void stop(struct worker *w)
{
    struct notifier *n = w->own;
    if (n->disk_fd >= 0)
        close(n->disk_fd);
    text_fini(&n->body);
    group_fini(&n->background);
    free(n);
}

static void report(struct load *l)
{
    const struct op_stats *notify = l->total[OP_NOTIFY];
    const struct op_stats *disk = l->total[OP_DISK];
    if (notify && disk && disk->latency.count)
        printf("frame      p50 %+.1f µs, p99 %+.1f µs over the disk's own fdatasync p50\n",
               (double)(hist_percentile(&notify->latency, 50) - hist_percentile(&disk->latency, 50)) / 1e3,
               (double)(hist_percentile(&notify->latency, 99) - hist_percentile(&disk->latency, 50)) / 1e3);
}

static void release(struct load *l)
{
    struct shared *s = l->shared;
    requests_fini(&s->requests);
    free(s);
    world_fini(&l->world);
}

const struct mode MODE_NOTIFY = {.name = "notify",
                                 .primary = OP_NOTIFY,
                                 .prepare = prepare,
                                 .start = start,
                                 .go = go,
                                 .turn = turn,
                                 .pending = pending,
                                 .end = end,
                                 .stop = stop,
                                 .report = report,
                                 .release = release};
