/* notify.h: what the service manager is told (systemd's Type=notify and watchdog). Without one nothing happens.
 * Thread:  main.
 * Blocks:  never: what a manager that does not read has no room for is dropped.
 * Fails:   silently: a manager that does not hear us acts by its own timeouts. */
#pragma once
#include <stdint.h>

void notify_ready(const char *status); /* connections are served; also: a reload is through */
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* How often notify_alive() is to come for the watchdog; at most a second. */
int64_t notify_interval_ms(void);
