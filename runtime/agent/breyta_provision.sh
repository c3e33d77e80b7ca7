# Sets up, renews or removes a user for agents on this machine, as root. Settings stand above: WHAT (provision, rotate-key, deprovision),
# AGENT_USER, AGENT_KEYS (lines), AGENT_MEMORY, AGENT_CPU, AGENT_TASKS, AGENT_EGRESS (lines HOST:PORT), AGENT_EGRESS_ONLY (yes or empty),
# AGENT_REPORT_URL, AGENT_HOST. Doing it again changes nothing; done with other settings it changes to those.
umask 022
say() { printf '%s\n' "$*"; }
die() {
  printf 'breyta: %s\n' "$*" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die 'this has to be run as root'
conf=/etc/breyta-agent
sshd_conf=/etc/ssh/sshd_config.d/60-breyta-agent-$AGENT_USER.conf
unit=breyta-agent-egress-$AGENT_USER.service
systemd() { [ -d /run/systemd/system ]; }

put() { # FILE MODE; its text comes in. Whole or not at all.
  mkdir -p "$(dirname "$1")"
  cat > "$1.breyta-new"
  chmod "$2" "$1.breyta-new"
  mv "$1.breyta-new" "$1"
}
home_of() { getent passwd "$AGENT_USER" | cut -d: -f6; }

make_user() {
  [ -z "$(home_of)" ] || return 0
  useradd --create-home --shell /bin/sh --password '*' "$AGENT_USER" || die "the user $AGENT_USER cannot be made"
}

# The keys belong to root: who is let in cannot let others in. `restrict`: no forwarding of any kind, no terminal.
put_keys() {
  home=$(home_of)
  [ -n "$home" ] || die "there is no user $AGENT_USER on this machine"
  printf '%s\n' "$AGENT_KEYS" | tr -d '\r' | sed '/^ *$/d; /^#/d; s/^/restrict /' | put "$home/.ssh/authorized_keys" 644
  chown -R root:root "$home/.ssh"
  chmod 755 "$home/.ssh"
}

put_sshd() {
  put "$sshd_conf" 644 <<END
# made by breyta agent provision
Match User $AGENT_USER
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  AllowTcpForwarding no
  AllowAgentForwarding no
  X11Forwarding no
  PermitTunnel no
Match all
END
  reload_sshd
}
reload_sshd() {
  ! command -v sshd >/dev/null 2>&1 || sshd -t || die 'sshd does not take its configuration'
  if systemd; then systemctl reload ssh 2>/dev/null || systemctl reload sshd || :
  elif [ -s /run/sshd.pid ]; then kill -HUP "$(cat /run/sshd.pid)" || :
  fi
}

# Of everything that the user runs together, agents that outlive their session included.
put_limits() {
  uid=$(id -u "$AGENT_USER")
  {
    printf '# made by breyta agent provision\n[Slice]\n'
    [ -z "$AGENT_MEMORY" ] || printf 'MemoryMax=%s\nMemorySwapMax=0\n' "$AGENT_MEMORY"
    [ -z "$AGENT_CPU" ] || printf 'CPUQuota=%s\n' "$AGENT_CPU"
    [ -z "$AGENT_TASKS" ] || printf 'TasksMax=%s\n' "$AGENT_TASKS"
  } | put "/etc/systemd/system/user-$uid.slice.d/50-breyta-agent.conf" 644
  mkdir -p /var/lib/systemd/linger
  : > "/var/lib/systemd/linger/$AGENT_USER"
  ! systemd || systemctl daemon-reload
}

# --- what it may connect to ---------------------------------------------------------------------------------------------------------

put_egress() {
  command -v nft >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q nftables; } >/dev/null 2>&1 || die 'nft is needed for --egress-allow, and cannot be installed'
  {
    printf '#!/bin/sh\n# made by breyta agent provision: what %s may connect to. Names are looked up when this runs.\n' "$AGENT_USER"
    printf "set -eu\nuid=%s\nallow='\n%s\n'\n" "$(id -u "$AGENT_USER")" "$AGENT_EGRESS"
    cat <<'END'
rules=''
rule() { rules="$rules    $1
"; }
for server in $(sed -n 's/^nameserver *\([0-9a-fA-F.:]*\).*/\1/p' /etc/resolv.conf 2>/dev/null); do
  case $server in *:*) family=ip6 ;; *) family=ip ;; esac
  rule "$family daddr $server udp dport 53 accept"
  rule "$family daddr $server tcp dport 53 accept"
done
for target in $allow; do
  host=${target%:*} port=${target##*:}
  host=${host#[} host=${host%]}
  found=$(getent ahosts "$host" | cut -d' ' -f1 | sort -u)
  [ -n "$found" ] || echo "breyta: $host has no address now: nothing is let through to it" >&2
  for address in $found; do
    case $address in *:*) family=ip6 ;; *) family=ip ;; esac
    rule "$family daddr $address tcp dport $port accept"
  done
done
nft -f - <<RULES
table inet breyta_agent_$uid
delete table inet breyta_agent_$uid
table inet breyta_agent_$uid {
  chain output {
    type filter hook output priority 0; policy accept;
    meta skuid != $uid accept
    oif lo accept
    ct state established,related accept
$rules    reject
  }
}
RULES
END
  } | put "$conf/egress-$AGENT_USER.sh" 755
  put "/etc/systemd/system/$unit" 644 <<END
[Unit]
Description=What $AGENT_USER may connect to
Wants=network-online.target
After=network-online.target nftables.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh $conf/egress-$AGENT_USER.sh
[Install]
WantedBy=multi-user.target
END
  ! systemd || { systemctl daemon-reload; systemctl enable "$unit"; } >/dev/null 2>&1 || :
  sh "$conf/egress-$AGENT_USER.sh" || die 'the rules for --egress-allow cannot be loaded'
}
drop_egress() { # UID
  [ -e "$conf/egress-$AGENT_USER.sh" ] || return 0
  ! systemd || systemctl disable "$unit" >/dev/null 2>&1 || :
  rm -f "/etc/systemd/system/$unit" "$conf/egress-$AGENT_USER.sh"
  [ -z "$1" ] || nft delete table inet "breyta_agent_$1" 2>/dev/null || :
}

# --- who this machine is ------------------------------------------------------------------------------------------------------------

report() {
  host=${AGENT_HOST:-$(hostname -f 2>/dev/null || hostname)}
  keys=''
  for file in /etc/ssh/ssh_host_*_key.pub; do
    [ -r "$file" ] || continue
    line=$(cut -d' ' -f1,2 "$file")
    say "known_hosts: $host $line"
    ! command -v ssh-keygen >/dev/null 2>&1 || say "fingerprint: $(ssh-keygen -l -f "$file" | cut -d' ' -f2)"
    keys="$keys${keys:+,}\"$host $line\""
  done
  [ -n "$keys" ] || die 'this machine has no SSH host key: install openssh-server first'
  # The address may hold a credential: it is told by standard input, for command lines can be seen by everybody.
  [ -z "$AGENT_REPORT_URL" ] || printf 'url = "%s"\n' "$AGENT_REPORT_URL" |
    curl --config - --silent --show-error --fail --retry 5 --retry-connrefused --header 'Content-Type: application/json' \
      --data-binary "$(printf '{"status":"ok","user":"%s","host":"%s","knownHosts":[%s]}' "$AGENT_USER" "$host" "$keys")" >/dev/null ||
    die "the host keys could not be reported to ${AGENT_REPORT_URL%%\?*}"
}

provision() {
  make_user
  put_keys
  put_sshd
  put_limits
  if [ -n "$AGENT_EGRESS_ONLY" ]; then put_egress; else drop_egress "$(id -u "$AGENT_USER")"; fi
  BREYTA_AGENT_BIN=/usr/local/bin
  export BREYTA_AGENT_BIN
  install_helper
  mkdir -p "$conf"
  : > "$conf/user-$AGENT_USER"
  report
  say "$AGENT_USER is ready for agents"
}

rotate_key() {
  put_keys
  say "$AGENT_USER is let in with the new key alone; what runs goes on"
}

# Whoever starts others while this goes on is found in the next round.
end_all() { # UID
  for _ in 1 2 3; do
    for process in /proc/[0-9]*; do
      [ "$(stat -c %u "$process" 2>/dev/null)" != "$1" ] || kill -KILL "${process#/proc/}" 2>/dev/null || :
    done
  done
}

deprovision() {
  [ -e "$conf/user-$AGENT_USER" ] || [ -n "$(home_of)" ] || { say "there is no user $AGENT_USER on this machine"; return; }
  uid=$(id -u "$AGENT_USER" 2>/dev/null || :)
  home=$(home_of)
  [ ! -d "$home/.ssh" ] || rm -f "$home/.ssh/authorized_keys" # nobody comes in any more
  rm -f "$sshd_conf" "/var/lib/systemd/linger/$AGENT_USER"
  reload_sshd
  if [ -n "$uid" ]; then
    end_all "$uid"
    rm -rf "/etc/systemd/system/user-$uid.slice.d"
    userdel --remove --force "$AGENT_USER" 2>/dev/null || die "the user $AGENT_USER cannot be removed"
  fi
  drop_egress "$uid"
  ! systemd || systemctl daemon-reload
  rm -f "$conf/user-$AGENT_USER"
  [ -n "$(ls "$conf" 2>/dev/null)" ] || rm -rf "$conf" /usr/local/bin/breyta-agent # the last one
  say "$AGENT_USER is gone"
}

case $WHAT in
provision) provision ;;
rotate-key) rotate_key ;;
deprovision) deprovision ;;
esac
