/* fuzz.h: what every fuzz target shares. A broken promise is must(): libFuzzer keeps the input. */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
