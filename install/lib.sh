# shellcheck shell=bash
# Shared by setup, demo, package and tests/run: finding and installing what the suite needs on Debian.

venus_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venus_deps=${VENUS_DEPS_DIR:-$venus_root/build/deps}
venus_version=$(sed -n 's/^project(venus-drivers VERSION \([0-9.]*\).*/\1/p' "$venus_root/CMakeLists.txt")

# archive_of ARCHITECTURE: what install/package makes.
archive_of() { echo "dist/venus-drivers-$venus_version-$1.tar.gz"; }

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# missing_packages NAME...: those that are not installed.
missing_packages() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
    done
}

# need_packages NAME...: installs what is missing, as root or through sudo; says what it would need otherwise.
need_packages() {
    local missing as_root=()
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "these Debian packages are missing and neither root nor sudo is at hand: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get install -y --no-install-recommends "$@" ||
            { apt-get update && apt-get install -y --no-install-recommends "$@"; }' sh "${missing[@]}" >&2 ||
        die "apt could not install: ${missing[*]}"
}

# fetch_source SUITE PACKAGE DIRECTORY: the upstream tarball of a Debian source package, fetched and verified by
# apt with the archive keys of this machine, unpacked into DIRECTORY, whose .complete then says name and version. Needs
# no root and leaves apt's own state alone.
fetch_source() {
    local suite=$1 package=$2 directory=$3 work uri keyring
    [ -e "$directory/.complete" ] && return 0
    work=$(mktemp -d) || die "no temporary directory"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
    uri=$(debian_mirror) || die "no Debian archive is configured for apt on this machine"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suite" "$keyring" \
        >"$work/archive.sources"
    local options=(-o "Dir::Etc::SourceList=$work/archive.sources" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User= -qq)
    say "fetching the source of $package from Debian's $suite"
    (cd "$work/source" && apt-get "${options[@]}" update &&
        apt-get "${options[@]}" source --download-only --tar-only "$package/$suite") >&2 ||
        { rm -rf "$work"; die "apt could not fetch the source of $package ($suite)"; }
    rm -rf "$directory" && mkdir -p "$directory" &&
        tar -C "$directory" --strip-components=1 -xf "$work/source/"*.orig.tar.* &&
        (cd "$work/source" && echo *.orig.tar.*) | sed 's/^\([^_]*\)_\(.*\)\.orig\.tar\..*/\1 \2/' >"$directory/.complete" ||
        die "the source of $package could not be unpacked into $directory"
    rm -rf "$work"
}

# The URI of the Debian archive that apt uses here.
debian_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '!/security/ {print; found = 1; exit} END {exit !found}'
}
