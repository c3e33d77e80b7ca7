#!/bin/bash
# Database servers for tests, from Debian's packages, in a directory that goes away: loopback and Unix sockets only, ended by pid.
#   dbserver.sh start postgres|mysql DIR    prints PORT; DIR must be empty. User "app", password "canary-secret-1", database "shop"
#   dbserver.sh stop DIR
# Root runs them as the users postgres and mysql that the packages make.
set -eu
PASSWORD=canary-secret-1
as() { # user, command...
  local user=$1
  shift
  if [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}
own() { if [ "$(id -u)" = 0 ]; then chown "$1" "$2"; fi; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_ok() {
  local n=0
  until "$@" >/dev/null 2>&1; do
    [ $((n += 1)) -lt 600 ] || { echo "never: $*" >&2; return 1; }
    read -rt 0.05 <> <(:) || :
  done
}

start_postgres() {
  local dir=$1 bin port
  bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
  port=$(free_port)
  echo "$PASSWORD" > "$dir/pw"
  own postgres "$dir" && own postgres "$dir/pw"
  as postgres "$bin/initdb" -D "$dir/data" -U app --pwfile="$dir/pw" --auth-local=trust --auth-host=scram-sha-256 --no-sync --locale=C.UTF-8 -E UTF8 >"$dir/log" 2>&1
  as postgres "$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" -h 127.0.0.1 -F -c max_connections=40 >>"$dir/log" 2>&1 </dev/null 3>&- &
  until_ok "$bin/psql" -h "$dir" -p "$port" -U app -d postgres -c 'create database shop'
  echo "$port"
}

start_mysql() {
  local dir=$1 port
  port=$(free_port)
  own mysql "$dir"
  as mysql mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1
  as mysql "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults --datadir="$dir/data" --socket="$dir/sock" --port="$port" --bind-address=127.0.0.1 \
    --pid-file="$dir/mypid" --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M >>"$dir/log" 2>&1 </dev/null 3>&- &
  until_ok mariadb --no-defaults -S "$dir/sock" -u root -e "create database shop character set utf8mb4; create user app@'%' identified by '$PASSWORD'; grant all on *.* to app@'%'"
  echo "$port"
}

case $1 in
start) chmod 755 "$3"; "start_$2" "$3" ;;
stop) # their own pid files: between us and them there may be runuser
  pid=$(head -1 "$2/data/postmaster.pid" 2>/dev/null || cat "$2/mypid")
  if [ -e "$2/mypid" ]; then kill -TERM "$pid"; else kill -INT "$pid"; fi
  until_ok test ! -e "/proc/$pid" || kill -KILL "$pid"
  ;;
esac
