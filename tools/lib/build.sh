# build.sh: configure and build one of CMakePresets.json's presets. Sourced; needs say.sh and packages.sh.

# The first cmake that is new enough (3.25): an old one in PATH does not hide the distribution's.
cmake_command() {
    local candidate version
    for candidate in "$(command -v cmake || true)" /usr/bin/cmake; do
        [[ -x $candidate ]] || continue
        version=$("$candidate" --version | sed -n '1s/^cmake version \([0-9.]*\).*/\1/p')
        if [[ $(printf '3.25\n%s\n' "$version" | sort -V | head -n 1) == 3.25 ]]; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# build_preset PRESET [TARGET…]
build_preset() {
    local preset=$1 cmake
    shift
    cmake=$(cmake_command) || die "no cmake of version 3.25 or newer"
    say "configure: $preset"
    "$cmake" --preset "$preset" -Wno-dev
    say "build: $preset${*:+ ($*)}"
    "$cmake" --build --preset "$preset" ${*:+--target "$@"}
}

# test_preset PRESET [CTEST ARGUMENT…]: ctest, then the ten tests that took longest and the verdict in a line.
# Three tests a core: they wait (for disks, deadlines, a database) far more than they compute.
test_preset() {
    local preset=$1 cmake results=build/$1/results.xml status=0
    shift
    cmake=$(cmake_command)
    say "test: $preset"
    rm -f "$results"
    "$(dirname "$cmake")/ctest" --preset "$preset" --no-tests=error --parallel $((3 * $(nproc))) \
        --output-junit "$PWD/$results" "$@" || status=$?
    if [[ -e $results ]]; then
        say "the slowest ten, in seconds"
        sed -n 's/.*<testcase name="\([^"]*\)".* time="\([0-9.]*\)".*/\2 \1/p' "$results" | sort -rn | head -n 10 |
            awk '{ printf "%8.1f  %s\n", $1, $2 }'
        local tests failed
        tests=$(sed -n 's/^\ttests="\([0-9]*\)".*/\1/p' "$results")
        failed=$(sed -n 's/^\tfailures="\([0-9]*\)".*/\1/p' "$results")
        echo "$((tests - failed)) passed, $failed failed"
    fi
    return "$status"
}
