/* descriptions.h: openapi.json and asyncapi.json, embedded at build time (see CMakeLists.txt). Constant data. */
#pragma once
#include <stddef.h>

extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;
extern const unsigned char asyncapi_json[];
extern const size_t asyncapi_json_len;
