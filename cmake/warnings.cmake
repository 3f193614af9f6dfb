# Warnings for our own code only: parsers that come as source (llhttp, jsmn) are system includes.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
    -Wundef -Wcast-align -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings)
if(SAKURAD_WERROR)
    target_compile_options(warnings INTERFACE -Werror)
endif()
