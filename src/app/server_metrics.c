/* What the server as a whole says of itself in /metrics: what it is, what it may hold, and how much of that it holds. */
#include "server_int.h"

#include "net/share.h"
#include "store/store.h"

static void put_head(struct buf *out, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_info(struct buf *out, const struct server *s)
{
    const struct config *c = s->config;
    put_head(out, "sakurad_info", "What runs here: its version and its threads.");
    buf_printf(out, "sakurad_info{version=\"%s\",workers=\"%lld\",readers=\"%lld\",broadcasters=\"%lld\"} 1\n",
               SAKURAD_VERSION, (long long)c->workers, (long long)c->store.readers, (long long)c->broadcasters);
}

/* Of --queue there are two: the writer's and the readers'. */
static void put_limits(struct buf *out, const struct config *c)
{
    const struct {
        const char *what;
        int64_t most;
    } limits[] = {{"queue", c->queue}, {"batch", c->batch}, {"connections", c->max_connections}};
    put_head(out, "sakurad_limit",
             "The most that the options allow: operations in each queue and in a batch, connections.");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        buf_printf(out, "sakurad_limit{what=\"%s\"} %lld\n", limits[i].what, (long long)limits[i].most);
}

static void put_buffers(struct buf *out, const struct server *s)
{
    put_head(out, "sakurad_buffer_bytes", "Memory held for requests and answers under way (--buffer-mb).");
    buf_printf(out, "sakurad_buffer_bytes %lld\n", (long long)shares_used(s->shares));
    put_head(out, "sakurad_buffer_ratio", "The same as a part of what there is for it.");
    for (enum pot p = 0; p < POTS; p++) {
        const struct quota *q = shares_pot(s->shares, p);
        buf_printf(out, "sakurad_buffer_ratio{what=\"%s\"} %.3f\n", pot_name(p),
                   (double)quota_used(q) / (double)q->max);
    }
}

void server_render_metrics(struct buf *out, void *arg)
{
    const struct server *s = arg;
    put_info(out, s);
    put_limits(out, s->config);
    put_buffers(out, s);
    put_head(out, "sakurad_insecure", "1: others can connect and authentication is off.");
    buf_printf(out, "sakurad_insecure %d\n", s->access.insecure ? 1 : 0);
}
