# What the pages' tests are made with, once for each package-lock.json: nothing is asked of the network while it stays the same.
# Several builds of one source tree may come here at once.
file(LOCK ${CMAKE_CURRENT_LIST_DIR}/.npm.lock TIMEOUT 600)
set(stamp ${CMAKE_CURRENT_LIST_DIR}/node_modules/.installed)
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/package-lock.json wanted)
if(EXISTS ${stamp})
    file(READ ${stamp} have)
    if(have STREQUAL wanted)
        return()
    endif()
endif()
execute_process(COMMAND npm ci --no-audit --no-fund --ignore-scripts WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}
    COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${stamp} ${wanted})
