/* tsan.h: tells ThreadSanitizer of the order that Concurrency Kit's inline assembly makes and that it cannot see.
 * Each HANDOFF_RELEASE stands before the atomic store that publishes, each HANDOFF_ACQUIRE after the atomic load that
 * finds it published; nothing is hidden: an access that no such pair orders is still reported. In other builds they
 * are nothing. */
#pragma once

#if defined(__SANITIZE_THREAD__)
#define HANDOFF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANDOFF_TSAN 1
#endif
#endif

#ifdef HANDOFF_TSAN
#include <sanitizer/tsan_interface.h>
#define HANDOFF_RELEASE(address) __tsan_release(address)
#define HANDOFF_ACQUIRE(address) __tsan_acquire(address)
#else
#define HANDOFF_RELEASE(address) ((void)(address))
#define HANDOFF_ACQUIRE(address) ((void)(address))
#endif
