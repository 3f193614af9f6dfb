# say.sh: how the tools speak. Sourced.

say() { printf '==> %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The text between the first line and the first line that is not a comment, of the script itself.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }
