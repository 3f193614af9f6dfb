#include "descriptors.h"

#include "base/log.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define OWN 256 /* beside the connections' */

/* The soft limit is ours to raise up to the hard one; past that it needs root. Returns what there is in the end. */
static rlim_t raise_limit(rlim_t want)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return want;
    struct rlimit raised = {.rlim_cur = want, .rlim_max = want > limit.rlim_max ? want : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return want;
    limit.rlim_cur = want > limit.rlim_max ? limit.rlim_max : want;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
        log_warn("descriptor limit is low", "limit=%llu wanted=%llu", (unsigned long long)limit.rlim_cur,
                 (unsigned long long)want);
    return limit.rlim_cur;
}

/* The kernel's table of descriptors grows by doubling, and in a process with threads each step waits until every processor has
 * passed a quiet point: some 10 ms in which nothing can be accepted, eight times on the way to 10,000 connections. So it gets its
 * size now, for 8 bytes a connection, by one high descriptor. */
void descriptors_make_room(int64_t connections)
{
    rlim_t room = raise_limit((rlim_t)connections + OWN);
    int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int high = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, (int)room - 1) : -1;
    if (high >= 0)
        close(high);
    if (low >= 0)
        close(low);
}
