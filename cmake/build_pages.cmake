# SOURCES (src/web) → OUTPUT/pages.c: what the server serves beside the API, bundled and compressed (src/web/embedded.h).
# OUTPUT/files has the same as files, by the paths that they are served at.
set(files ${OUTPUT}/files)
file(REMOVE_RECURSE ${files})
set(body "")
set(table "")

set(ESBUILD_FLAGS --minify --target=es2020 --charset=utf8 --legal-comments=none --log-level=warning)

function(bundle from to)
    execute_process(COMMAND ${ESBUILD} ${from} --bundle ${ESBUILD_FLAGS} --outfile=${to} ${ARGN}
        WORKING_DIRECTORY ${SOURCES} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# One row of the table: what stands in `file` is served at `path`.
function(embed file path)
    execute_process(COMMAND ${GZIP} -9nc ${file} OUTPUT_FILE ${file}.gz COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE ${file} size)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 16 hash)
    file(READ ${file}.gz hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(MAKE_C_IDENTIFIER "page${path}" name)
    string(APPEND body "static const unsigned char ${name}[] = {${bytes}};\n")
    string(APPEND table "    {\"${path}\", \"${hash}\", ${name}, sizeof(${name}), ${size}},\n")
    set(body "${body}" PARENT_SCOPE)
    set(table "${table}" PARENT_SCOPE)
endfunction()

# The name of a file that is served for ever: another content, another name.
function(hashed file name extension out)
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 10 hash)
    file(MAKE_DIRECTORY ${files}/assets)
    file(RENAME ${file} ${files}/assets/${name}.${hash}.${extension})
    set(${out} /assets/${name}.${hash}.${extension} PARENT_SCOPE)
endfunction()

# The client loads the agents' side when it is first used, so there are two files. What they alone call by these names goes by
# short ones there: names of sakura.d.ts, of the server and of what is stored must not be in the list.
set(internal apply connection deliver doubt expect hear heard holds ill knows loaded merge outbox pause refuse refused restart
    sayRead sent settle soon subscribe useToken wake)
list(JOIN internal "|" internal)
execute_process(COMMAND ${ESBUILD} client/sakura.js --bundle --splitting --format=esm ${ESBUILD_FLAGS} --outdir=${files}
    --chunk-names=assets/[name].[hash] "--mangle-props=^(${internal})$" WORKING_DIRECTORY ${SOURCES} COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${files}/sakura.js ${files}/client.js)
embed(${files}/client.js /client.js)
file(GLOB agents RELATIVE ${files} ${files}/assets/*)
if(NOT agents MATCHES "^assets/agents\\.[A-Z0-9]+\\.js$")
    message(FATAL_ERROR "/client.js is to load assets/agents.HASH.js and nothing else: ${agents}")
endif()
embed(${files}/${agents} /${agents})
# The widget's panel is loaded when it is first opened: the script knows it by the name that it is served under.
bundle(widget/panel.js ${files}/panel.js --format=esm)
hashed(${files}/panel.js panel js panel)
embed(${files}${panel} ${panel})
bundle(widget/widget.js ${files}/widget.js --format=iife "--define:PANEL=\"${panel}\"")
embed(${files}/widget.js /widget.js)

foreach(page IN ITEMS console stats demo)
    file(READ ${SOURCES}/${page}/index.html html)
    foreach(part IN ITEMS main.js style.css)
        if(NOT html MATCHES "\"\\./${part}\"")
            message(FATAL_ERROR "src/web/${page}/index.html does not name \"./${part}\"")
        endif()
        cmake_path(GET part EXTENSION LAST_ONLY dot_extension)
        string(SUBSTRING ${dot_extension} 1 -1 extension)
        bundle(${page}/${part} ${files}/${part} --format=esm)
        hashed(${files}/${part} ${page} ${extension} path)
        embed(${files}${path} ${path})
        string(REPLACE "\"./${part}\"" "\"${path}\"" html "${html}")
    endforeach()
    file(WRITE ${files}/${page}.html "${html}")
    set(path /${page})
    if(page STREQUAL console)
        set(path /)
    endif()
    embed(${files}/${page}.html ${path})
endforeach()

file(WRITE ${OUTPUT}/pages.c "#include \"embedded.h\"\n${body}const struct embedded embedded_pages[] = {\n${table}};\n"
    "const unsigned embedded_count = sizeof(embedded_pages) / sizeof(embedded_pages[0]);\n")
