#!/bin/bash
# What the scripts of `breyta agent provision`, `rotate-key` and `deprovision` do to a machine: a Debian of debootstrap in a network namespace
# of its own, whose sshd a flow reaches over a veth pair. Root and a Debian mirror are needed: make provision-test. B = build directory.
# The tree is kept in $B/provision-root-2.tar. Closes with `N passed, N failed`; status 77 and a reason where it cannot run.
set -u
cd "$(dirname "$0")/../.."
B=${B:-build}
BREYTA=$PWD/$B/breyta RUN=$PWD/$B/breyta-run
NS=breyta$$ HERE=10.231.7.1 THERE=10.231.7.2
cannot() { echo "cannot run here: $1"; exit 77; }
[ "$(id -u)" = 0 ] || cannot "root is needed"
command -v debootstrap > /dev/null || cannot "debootstrap is not installed"
W=$(mktemp -d)
M=$W/machine
passed=0 failed=0
is() { # NAME STATUS: what the last command should have given
  if [ "$2" = 0 ]; then passed=$((passed + 1)); echo "ok $1"; else failed=$((failed + 1)); echo "not ok $1"; fi
}
fine() { local name=$1; shift; "$@" > "$W/out" 2>&1; local rc=$?; is "$name" $rc; [ $rc = 0 ] || cat "$W/out"; }
refused() { local name=$1; shift; if "$@" > "$W/out" 2>&1; then is "$name" 1; cat "$W/out"; else is "$name" 0; fi; }

cleanup() {
  [ ! -s "$M/run/sshd.pid" ] || kill "$(cat "$M/run/sshd.pid")" 2> /dev/null
  for p in ${PIDS:-}; do kill "$p" 2> /dev/null; done
  ip netns pids "$NS" 2> /dev/null | while read -r p; do kill -KILL "$p"; done
  ip netns del "$NS" 2> /dev/null
  umount "$M/proc" "$M/dev" 2> /dev/null
  mountpoint -q "$M/dev" || rm -rf "$W"
}
trap cleanup EXIT

tar=$B/provision-root-2.tar
if [ ! -s "$tar" ]; then
  debootstrap --variant=minbase --include=openssh-server,curl,openssl,nftables,ca-certificates,procps bookworm "$W/root" > "$W/debootstrap.log" 2>&1 ||
    cannot "debootstrap: $(tail -n 1 "$W/debootstrap.log")"
  cp /etc/resolv.conf "$W/root/etc/resolv.conf" # debootstrap cannot install cloud-init by itself
  chroot "$W/root" sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends cloud-init && apt-get clean' > "$W/apt.log" 2>&1 ||
    cannot "cloud-init: $(tail -n 1 "$W/apt.log")"
  tar -C "$W/root" -cf "$tar.new" . && mv "$tar.new" "$tar"
  rm -rf "$W/root"
fi
mkdir "$M" && tar -C "$M" -xf "$tar"
mount -t proc proc "$M/proc" && mount --bind /dev "$M/dev" || cannot "no mounts"
ip netns add "$NS" && ip link add "v$$" type veth peer name "w$$" netns "$NS" || cannot "no network namespaces"
ip addr add "$HERE/30" dev "v$$" && ip link set "v$$" up
ip -n "$NS" addr add "$THERE/30" dev "w$$" && ip -n "$NS" link set "w$$" up && ip -n "$NS" link set lo up
there() { ip netns exec "$NS" chroot "$M" "$@"; }
: > "$M/etc/resolv.conf"
mkdir -p "$M/run/sshd"
there /usr/sbin/sshd -o PidFile=/run/sshd.pid

ssh-keygen -q -t ed25519 -N '' -C one -f "$W/one"
ssh-keygen -q -t ed25519 -N '' -C two -f "$W/two"
free_port() { python3 -c "import socket; s=socket.socket(); s.bind(('$HERE',0)); print(s.getsockname()[1])"; }
ALLOWED=$(free_port) DENIED=$(free_port)
python3 -m http.server --bind "$HERE" --directory "$W" "$DENIED" > /dev/null 2>&1 & PIDS=$!

# --- provision --------------------------------------------------------------------------------------------------------------------
"$BREYTA" agent provision --public-key "$W/one.pub" --host "$THERE" --egress-allow "$HERE:$ALLOWED" > "$W/provision.sh"
there sh -s < "$W/provision.sh" > "$W/said" 2>&1
is "provision" $?
[ $failed = 0 ] || cat "$W/said"
there sh -s < "$W/provision.sh" > "$W/said" 2>&1
is "provision again" $?
sed -n 's/^known_hosts: //p' "$W/said" > "$W/known_hosts"
fine "its host keys are told" grep -q "^$THERE ssh-ed25519 " "$W/known_hosts"
SSH=(ssh -F none -o BatchMode=yes -o UserKnownHostsFile="$W/known_hosts" -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes)
in_() { local key=$1; shift; "${SSH[@]}" -i "$W/$key" "breyta@$THERE" "$@"; }
fine "the key is let in" in_ one true
refused "another is not" in_ two true
refused "forwarding is refused" "${SSH[@]}" -i "$W/one" -W "$THERE:22" "breyta@$THERE"
refused "no terminal" bash -c '[ -n "$("$@" tty 2> /dev/null | grep "^/dev")" ]' _ "${SSH[@]}" -tt -i "$W/one" "breyta@$THERE"
refused "it cannot let others in" in_ one 'echo x >> ~/.ssh/authorized_keys || rm -rf ~/.ssh'
fine "limits are there" grep -q '^MemoryMax=2G' "$M"/etc/systemd/system/user-*.slice.d/50-breyta-agent.conf
fine "the helper is there" in_ one breyta-agent help

# --- a flow on it -----------------------------------------------------------------------------------------------------------------
mkdir "$W/flow"
cat > "$W/flow/t.edn" <<END
{:slug :t :name "t" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :vm :type :ssh :label "VM"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '(flow/step :agent :work {:via :ssh :connection :vm :timeout "30s"
          :command "curl -s -m 5 -o /dev/null http://$HERE:$DENIED/; echo \"{\\\\\"denied\\\\\": \$?, \\\\\"uid\\\\\": \\\\\"\$(id -un)\\\\\"}\" > \$BREYTA_RESULT_FILE"})}
END
cat > "$W/flow/c.json" <<END
{"connections": {"vm": {"type": "ssh", "config": {"host": "$THERE", "username": "breyta", "auth": {"type": "private-key", "secret-ref": "k"}, "known-hosts": {"file": "$W/known_hosts"}}}},
 "secrets": {"k": {"file": "$W/one"}}}
END
(cd "$W/flow" && XDG_CONFIG_HOME=$W/config timeout 60 "$RUN" t.edn --listen "$HERE:$ALLOWED" --connections c.json > "$W/value" 2> "$W/err")
is "an agent runs there and reports to the address that is allowed" $?
grep -q ':status "succeeded"' "$W/value" || cat "$W/value" "$W/err"
fine "and to no other" grep -q ':denied [1-9]' "$W/value"
fine "as that user" grep -q ':uid "breyta"' "$W/value"
fine "root is not bound by it" there curl -s -m 5 -o /dev/null "http://$HERE:$DENIED/"

# --- rotate, deprovision ------------------------------------------------------------------------------------------------------------
"$BREYTA" agent rotate-key --public-key "$W/two.pub" > "$W/rotate.sh"
fine "rotate-key" bash -c "ip netns exec $NS chroot $M sh -s < $W/rotate.sh"
fine "the new key is let in" in_ two true
refused "the old one is not" in_ one true
in_ two 'setsid sh -c "exec sleep 1000" > /dev/null 2>&1 < /dev/null & echo $!' > "$W/left"
"$BREYTA" agent deprovision > "$W/gone.sh"
fine "deprovision" bash -c "ip netns exec $NS chroot $M sh -s < $W/gone.sh"
fine "deprovision again" bash -c "ip netns exec $NS chroot $M sh -s < $W/gone.sh"
refused "nobody is let in" in_ two true
refused "the user is gone" there id breyta
refused "what it ran is gone" bash -c '[ -s "$1" ] && kill -0 "$(cat "$1")"' _ "$W/left"
[ -s "$W/left" ]; is "it ran something" $?
refused "its rules are gone" bash -c "ip netns exec $NS chroot $M nft list ruleset | grep breyta"
fine "nothing of it is left" bash -c "! ls -d $M/etc/breyta-agent $M/usr/local/bin/breyta-agent $M/home/breyta $M/etc/ssh/sshd_config.d/60-* 2> /dev/null | grep ."

# --- the same by cloud-init, and to whom it reports ------------------------------------------------------------------------------------
mkdir "$W/wait"
cat > "$W/wait/w.edn" <<END
{:slug :w :name "w" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '(flow/step :wait :vm {:key "vm-1" :timeout "10m" :webhook {:auth {:type :api-key :location :query :secret-ref "once"}}})}
END
echo '{"secrets": {"once": "t0p-s3cret"}}' > "$W/wait/c.json"
(cd "$W/wait" && XDG_CONFIG_HOME=$W/config exec timeout 300 "$RUN" w.edn --listen "$HERE:$ALLOWED" --connections c.json) > "$W/told" 2> "$W/err" & waiter=$!
PIDS="$PIDS $waiter"
mkdir -p "$M/var/lib/cloud/seed/nocloud"
"$BREYTA" agent provision --print cloud-init --public-key "$W/one.pub" --host "$THERE" --report-url "http://$HERE:$ALLOWED/local/events/vm-1?token=t0p-s3cret" > "$W/user-data"
grep -v '^packages: \|^package_update: ' "$W/user-data" > "$M/var/lib/cloud/seed/nocloud/user-data" # they are there, and no mirror is
echo 'instance-id: one' > "$M/var/lib/cloud/seed/nocloud/meta-data"
echo 'datasource_list: [NoCloud]' > "$M/etc/cloud/cloud.cfg.d/99-test.cfg"
cp "$W/user-data" "$M/tmp/user-data"
fine "cloud-init knows what is asked" there cloud-init schema --config-file /tmp/user-data
keys=$(cat "$M"/etc/ssh/ssh_host_ed25519_key.pub)
printf 'ssh_deletekeys: false\n' > "$M/etc/cloud/cloud.cfg.d/98-keys.cfg" # this sshd goes on
fine "cloud-init begins" there sh -c 'cloud-init init --local && cloud-init init'
for module in write_files runcmd scripts-user; do fine "cloud-init: $module" there cloud-init single --name "$module" --frequency always; done
[ "$keys" = "$(cat "$M"/etc/ssh/ssh_host_ed25519_key.pub)" ]; is "its host key is the same" $?
fine "the key is let in again" in_ one true
wait "$waiter"
is "the machine has reported" $?
fine "with its host key" grep -qF "\"$THERE $(echo "$keys" | cut -d' ' -f1,2)\"" "$W/told"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
