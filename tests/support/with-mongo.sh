#!/usr/bin/env bash
# with-mongo.sh [--standalone] CMD…: runs CMD with SAKURAD_TEST_MONGO_URI set. Where it is set already, that database is
# used and left alone; otherwise one of its own is started (tools/devdb) and stopped again. SAKURAD_TEST_MONGO_OWN=1 tells
# CMD that the database is its own, with test commands (fail points), and may be broken at will.
set -euo pipefail
mode=()
if [ "${1:-}" = --standalone ]; then
    mode=(--standalone)
    shift
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export TSAN_OPTIONS="suppressions=$here/tsan-mongo.supp ${TSAN_OPTIONS:-}" # of use under ThreadSanitizer only
if [ -n "${SAKURAD_TEST_MONGO_URI:-}" ]; then
    exec "$@"
fi
devdb=$here/../../tools/devdb
dir=$(mktemp -d "${TMPDIR:-/tmp}/sakurad-mongo.XXXXXX")
cleanup() {
    "$devdb" stop --dir "$dir/db" >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP
SAKURAD_TEST_MONGO_URI=$("$devdb" start --dir "$dir/db" --throwaway ${mode[@]+"${mode[@]}"})
export SAKURAD_TEST_MONGO_URI SAKURAD_TEST_MONGO_OWN=1
"$@" &
child=$!
wait "$child"
