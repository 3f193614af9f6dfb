#include "notify.h"

#include "base/clock.h"

#include <systemd/sd-daemon.h>

#define LOOK_MS 1000

void notify_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* The time is what systemd 253 and newer tell one reload from the next by. */
void notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reading keys and origins",
                     (long long)clock_mono_us());
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Finishing requests");
}

void notify_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

/* A third of the time after which the manager gives us up. */
int64_t notify_interval_ms(void)
{
    uint64_t limit_us;
    if (sd_watchdog_enabled(0, &limit_us) <= 0 || limit_us / 3000 >= LOOK_MS)
        return LOOK_MS;
    return limit_us < 3000 ? 1 : (int64_t)(limit_us / 3000);
}
