# packages.sh: the one list of what comes from the distribution, and how the missing ones are installed.
# Sourced by the tools; needs say.sh.

# Compiler, libraries and headers: enough to build the program and its unit tests.
packages_build=(cmake ninja-build gcc libc6-dev pkg-config libmongoc-dev libsqlite3-dev node-llhttp libwslay-dev
    libjsmn-dev libck-dev libssl-dev libjwt-dev libcunit1-dev libdeflate-dev esbuild)
# What tests run with.
packages_test=(python3 python3-venv python3-jsonschema curl strace slowhttptest faketime libfaketime fiu-utils libfiu-dev
    sqlite3 nodejs npm chromium firefox-esr systemd)
# What a release is made with.
packages_release=(dpkg-dev file gzip)
# What CI adds: fuzzing, format check, leak check.
packages_ci=(clang libclang-rt-dev clang-format valgrind)

# A command that is there counts, wherever it came from: nobody needs root for what they have.
package_is_there() {
    case $1 in
    cmake) cmake_command >/dev/null && return ;;
    ninja-build) command -v ninja >/dev/null && return ;;
    gcc | clang | clang-format | valgrind | curl | esbuild | npm | chromium | firefox-esr) command -v "$1" >/dev/null && return ;;
    nodejs) command -v node >/dev/null && return ;;
    pkg-config) command -v pkg-config >/dev/null && return ;;
    esac
    [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

# Mirrors hiccup, and another apt may hold the lock: neither is a reason to give up.
apt_get() {
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

# Installs what is missing of the packages given; silent about nothing, harmless to repeat.
ensure_packages() {
    local package missing=() root=() pause
    for package in "$@"; do
        package_is_there "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "packages: all $# are there"
        return
    fi
    command -v apt-get >/dev/null || die "not a Debian system; install what these packages hold: ${missing[*]}"
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            die "packages are missing and there is no sudo; as root, run: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "packages: installing ${missing[*]}"
    if ! apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        say "packages: the lists are missing or old, fetching them"
        apt_get update || say "packages: not all lists came; the installation will tell whether that matters"
    fi
    # A list can be old in a way that only the download shows.
    for pause in 5 20 60; do
        apt_get install --yes --no-install-recommends "${missing[@]}" && return
        say "packages: once more in $pause s, with new lists"
        sleep "$pause"
        apt_get update || true
    done
    apt_get install --yes --no-install-recommends "${missing[@]}"
}
