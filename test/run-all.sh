#!/usr/bin/env bash
# Runs every test: installs what they need from Debian (as root; otherwise says what is missing and ends with 2), builds (which checks
# types), runs all tests. The last line is `tests: N passed, M failed`. Arguments go to ava.
set -euo pipefail
cd "$(dirname "$0")/.."

# program:Debian package
NEEDED=(sipp:sip-tester kamailio:kamailio baresip:baresip-core prosody:prosody chromium:chromium tshark:tshark curl:curl promtool:prometheus
  redis-server:redis-server)
# file:Debian package, for what brings no program; the file may be a pattern.
NEEDED_FILES=('/usr/lib/*/kamailio/modules/tls.so:kamailio-tls-modules'
  '/usr/bin/*svmap:sipvicious'
  '/usr/lib/prosody/modules/mod_cloud_notify/mod_cloud_notify.lua:prosody-modules')

missing_packages() {
  local entry
  for entry in "${NEEDED[@]}"; do
    PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null || echo "${entry##*:}"
  done
  for entry in "${NEEDED_FILES[@]}"; do
    compgen -G "${entry%%:*}" >/dev/null || echo "${entry##*:}"
  done
}

packages=$(missing_packages | tr '\n' ' ')
if [ -n "$packages" ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need programs that are not here. Install them: apt-get install $packages" >&2
    exit 2
  fi
  echo "Installing $packages"
  export DEBIAN_FRONTEND=noninteractive
  # Packages that bring a service are to be installed only, not started.
  policy=/usr/sbin/policy-rc.d
  own_policy=
  if [ ! -e "$policy" ]; then
    own_policy=$policy
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$own_policy"' EXIT
  fi
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
  rm -f "$own_policy"
fi

[ -d node_modules ] || npm ci --no-audit --no-fund
rm -rf dist build
# Both compilers check types.
npm run --silent build
npm run --silent build:test

output=$(mktemp)
trap 'rm -f "$output"' EXIT
code=0
# End-to-end tests wait more than they work.
files_at_once=$(($(nproc) + 1))
if [ "$#" -gt 0 ]; then
  npx ava --concurrency "$files_at_once" "$@" 2>&1 | tee "$output" || code=$?
else
  npx ava --concurrency "$files_at_once" 'build/test/!(alone)/**/*.test.js' 'build/test/*.test.js' 2>&1 | tee "$output" || code=$?
  # Floods and endurance: they would disturb others, and others them.
  npx ava --concurrency 1 'build/test/alone/*.test.js' 2>&1 | tee -a "$output" || code=$?
fi
# What crosses the whole of callwake once more with trunk, edge and phones on TLS; most of it runs over TCP anyway.
if [ "$#" -eq 0 ]; then
  CALLWAKE_TEST_TRANSPORT=tls npx ava --concurrency "$files_at_once" 'build/test/e2e/{outbound,early-dialog,registrar,replaces}.test.js' 2>&1 | tee -a "$output" || code=$?
fi

# ava's own last lines: "12 tests passed", "1 test failed", "1 uncaught exception", ...
count() {
  sed 's/\x1b\[[0-9;]*m//g' "$output" | sed -nE "s/^ *([0-9]+) (tests?|known failures?|hooks?|uncaught exceptions?|unhandled rejections?) ?$1\$/\1/p" | awk '{ sum += $1 } END { print sum + 0 }'
}
# ava leaves the passed ones uncounted when others failed.
passed=$(sed 's/\x1b\[[0-9;]*m//g' "$output" | grep -cE '^ *✔ ' || true)
failed=$(count 'failed')
others=$(sed 's/\x1b\[[0-9;]*m//g' "$output" | grep -E '^ *[0-9]+ (tests? (skipped|remaining|todo|interrupted)|uncaught exceptions?|unhandled rejections?)' | tr -s ' ' | tr '\n' ',' || true)
[ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || others="$others the run failed"
[ "$passed" -gt 0 ] || code=1
echo
[ -z "$others" ] || echo "also:${others%,}"
echo "tests: $passed passed, $failed failed"
exit "$code"
