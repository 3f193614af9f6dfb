# Man pages, completion and docs/configuration.md are printed from the option tables by programs that are not installed.
# sakurad_doc(FORM OUTPUT): what the program prints for FORM, made again whenever it changes.
function(sakurad_doc program form output)
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/docs/${output}
        COMMAND ${program} ${form} ${PROJECT_BINARY_DIR}/docs/${output}
        DEPENDS ${program}
        VERBATIM)
    list(APPEND sakurad_docs ${PROJECT_BINARY_DIR}/docs/${output})
    set(sakurad_docs ${sakurad_docs} PARENT_SCOPE)
endfunction()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/docs)

add_executable(sakurad-docs src/app/docs/main.c src/app/docs/man.c src/app/docs/page.c src/app/docs/completion.c)
target_include_directories(sakurad-docs PRIVATE src/app)
target_link_libraries(sakurad-docs PRIVATE server_core warnings)
sakurad_doc(sakurad-docs man sakurad.8)
sakurad_doc(sakurad-docs page configuration.md)
sakurad_doc(sakurad-docs completion completion)
add_custom_target(docs ALL DEPENDS ${sakurad_docs})
# tools/run and others build `sakurad` alone and install it: its pages belong to it.
add_dependencies(sakurad docs)
