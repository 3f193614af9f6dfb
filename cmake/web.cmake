# The pages: bundled by the distribution's esbuild, compressed, and made into C arrays (build_pages.cmake). Made again whenever
# a source changes; a file that is new is seen by CONFIGURE_DEPENDS. No node and no network: esbuild is one program.
find_program(SAKURAD_ESBUILD esbuild)
if(NOT SAKURAD_ESBUILD)
    message(FATAL_ERROR "esbuild is missing, which bundles the pages of src/web: apt-get install esbuild "
        "(or -DSAKURAD_ESBUILD=PATH)")
endif()
find_program(SAKURAD_GZIP gzip REQUIRED)

set(pages_c ${PROJECT_BINARY_DIR}/web/pages.c)
file(GLOB_RECURSE pages_sources CONFIGURE_DEPENDS
    src/web/*.js src/web/*.css src/web/*.html src/web/*.svg)
add_custom_command(OUTPUT ${pages_c}
    COMMAND ${CMAKE_COMMAND} -DESBUILD=${SAKURAD_ESBUILD} -DGZIP=${SAKURAD_GZIP} -DSOURCES=${PROJECT_SOURCE_DIR}/src/web
            -DOUTPUT=${PROJECT_BINARY_DIR}/web -P ${PROJECT_SOURCE_DIR}/cmake/build_pages.cmake
    DEPENDS ${pages_sources} cmake/build_pages.cmake
    VERBATIM)
target_sources(server_core PRIVATE ${pages_c})
set_source_files_properties(${pages_c} PROPERTIES INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/src/web)
# Where `?dev` finds what is being worked on: no release serves a file of a disk.
set_source_files_properties(src/web/sources.c PROPERTIES
    COMPILE_DEFINITIONS $<$<CONFIG:Debug>:SAKURAD_WEB_SOURCES="${PROJECT_SOURCE_DIR}/src/web">)
