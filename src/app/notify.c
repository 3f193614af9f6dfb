/* As sd_notify(3) and sd_watchdog_enabled(3) say, without their library: it waits where the manager does not read, and main
 * must not. */
#include "notify.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 1000

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char text[512];
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    size_t len = strlen(path);
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') /* an abstract name begins with a NUL and has none at its end */
        to.sun_path[0] = '\0';
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (size > 0 && (size_t)size < sizeof(text))
        (void)sendto(fd, text, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void notify_ready(const char *status)
{
    tell("READY=1\nSTATUS=%s", status);
}

/* The time is what systemd 253 and newer tell one reload from the next by. */
void notify_reloading(void)
{
    tell("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reading keys and origins", (long long)clock_mono_us());
}

void notify_stopping(void)
{
    tell("STOPPING=1\nSTATUS=Finishing requests");
}

/* After how long without a word the manager gives us up; 0: it does not look. */
static uint64_t watchdog_us(void)
{
    const char *limit = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    uint64_t us, pid;
    if (!limit || !slice_to_u64(slice_cstr(limit), &us))
        return 0;
    return whose && (!slice_to_u64(slice_cstr(whose), &pid) || pid != (uint64_t)getpid()) ? 0 : us;
}

void notify_alive(void)
{
    if (watchdog_us() > 0)
        tell("WATCHDOG=1");
}

/* A third of the time after which the manager gives us up. */
int64_t notify_interval_ms(void)
{
    uint64_t limit_us = watchdog_us();
    if (limit_us == 0 || limit_us / 3000 >= LOOK_MS)
        return LOOK_MS;
    return limit_us < 3000 ? 1 : (int64_t)(limit_us / 3000);
}
