#!/bin/bash
# A real OpenSSH server on a loopback port, for tests: its own keys, its own folder, nothing of the machine's configuration.
#   sshd.sh start DIR [CONFIG-LINE..]   prints the port; DIR gets keys of every kind, known_hosts, log, pid
#   sshd.sh again DIR                   the same server once more, on the same port
#   sshd.sh stop DIR
# It runs as whoever calls it, and DIR/user is whom to log in as. An ordinary user's server lets that user alone in, by key. Root's lets
# everybody in: a user is made for it, with DIR/password, gone with stop. sshd as root wants /run/sshd.
#
# DIR/id_KIND for ed25519 ecdsa rsa ed25519_pass ecdsa_pass (passphrase "open sesame"), ed25519_other (not authorized).
set -eu
umask 022
SSHD=$(command -v sshd || echo /usr/sbin/sshd)
DIR=$2
PASSWORD='s3cret pass!'

key() { ssh-keygen -q -t "$2" ${4:+-b "$4"} -N "$3" -C "" -f "$DIR/$1" >/dev/null; }

keys() {
  key host_ed25519 ed25519 ""
  key host_ecdsa ecdsa "" 256
  key id_ed25519 ed25519 ""
  key id_ecdsa ecdsa "" 256
  key id_rsa rsa "" 2048
  key id_ed25519_pass ed25519 "open sesame"
  key id_ecdsa_pass ecdsa "open sesame" 384
  key id_ed25519_other ed25519 ""
  cat "$DIR"/id_{ed25519,ecdsa,rsa,ed25519_pass,ecdsa_pass}.pub > "$DIR/authorized_keys"
}

free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

config() {
  cat <<CONF
Port $PORT
ListenAddress 127.0.0.1
HostKey $DIR/host_ed25519
HostKey $DIR/host_ecdsa
PidFile $DIR/sshd.pid
AuthorizedKeysFile $DIR/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserEnvironment no
PrintMotd no
MaxStartups 100
LogLevel VERBOSE
Subsystem sftp internal-sftp
CONF
  printf '%s\n' "$@"
}

known_hosts() {
  for k in ed25519 ecdsa; do echo "[127.0.0.1]:$PORT $(cut -d' ' -f1,2 "$DIR/host_$k.pub")"; done > "$DIR/known_hosts"
}

run() {
  "$SSHD" -f "$DIR/sshd_config" -E "$DIR/log"
  for _ in $(seq 200); do
    [ -s "$DIR/sshd.pid" ] && (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && return
    read -rt 0.05 <> <(:) || :
  done
  echo "sshd does not start: $(cat "$DIR/log")" >&2
  return 1
}

# Whom to log in as: DIR/user. Root makes somebody with a password, for DIR/home.
user() {
  mkdir -p "$DIR/home"
  id -un > "$DIR/user"
  [ "$(id -u)" = 0 ] || return 0
  mkdir -p /run/sshd
  useradd -M -d "$DIR/home" -s /bin/sh "bssh$$"
  chown "bssh$$" "$DIR/home"
  echo "bssh$$:$PASSWORD" | chpasswd
  echo "bssh$$" > "$DIR/user"
  printf %s "$PASSWORD" > "$DIR/password"
}

case $1 in
start)
  shift 2
  chmod 755 "$DIR"
  keys
  user
  for _ in 1 2 3; do # another process may have taken the port
    PORT=$(free_port)
    config "$@" > "$DIR/sshd_config"
    known_hosts
    run && break
  done
  echo "$PORT" | tee "$DIR/port"
  ;;
again) PORT=$(cat "$DIR/port"); rm -f "$DIR/sshd.pid"; run ;;
stop)
  pid=$(cat "$DIR/sshd.pid" 2>/dev/null || :)
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || :
  [ ! -f "$DIR/password" ] || userdel -f "$(cat "$DIR/user")" 2>/dev/null || :
  ;;
*) sed -n '2,/^set/p' "$0"; exit 2 ;;
esac
