# Everything outside the C library, from the distribution's packages. Nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(MONGOC REQUIRED IMPORTED_TARGET libmongoc-1.0>=1.23)
pkg_check_modules(LIBJWT REQUIRED IMPORTED_TARGET libjwt>=1.10)
pkg_check_modules(CK REQUIRED IMPORTED_TARGET ck)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate>=1.10)
find_path(WSLAY_INCLUDE wslay/wslay.h REQUIRED)
find_library(WSLAY_LIBRARY wslay REQUIRED)
find_path(JSMN_INCLUDE jsmn.h REQUIRED)

# llhttp: a system library where one exists; else the C sources that Debian's node-llhttp ships. Those must be
# compiled strict: the packaged default accepts a bare CR and chunk data without its CRLF (request smuggling).
# A system library is taken only where its symbols show strict parsing; we cannot see that, so it must be
# version 9 or newer, where strict is the default and leniency is asked for at run time.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp>=9)
if(LLHTTP_FOUND)
    add_library(llhttp INTERFACE)
    target_link_libraries(llhttp INTERFACE PkgConfig::LLHTTP)
else()
    find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
    find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp /usr/include /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
    add_library(llhttp STATIC ${LLHTTP_SOURCE}/llhttp.c ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_link_libraries(llhttp PRIVATE sanitize)
    target_compile_options(llhttp PRIVATE -w)
endif()

add_library(deps INTERFACE)
target_include_directories(deps SYSTEM INTERFACE ${WSLAY_INCLUDE} ${JSMN_INCLUDE})
target_link_libraries(deps INTERFACE llhttp PkgConfig::SQLITE PkgConfig::MONGOC PkgConfig::LIBJWT PkgConfig::CK PkgConfig::DEFLATE
    ${WSLAY_LIBRARY} OpenSSL::Crypto Threads::Threads m)
