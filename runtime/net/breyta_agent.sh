#!/bin/sh
# breyta-agent - runs a command on this machine for a flow that waits elsewhere: detached from the session that started it, with its
# progress and its result sent over HTTP. Needs sh and curl; signs with openssl when that is there.
#
#   breyta-agent run [--id ID] [--dir DIR] -- CMD...   start CMD, or attach to the one with this ID; prints its status and returns
#   breyta-agent status [--result] ID                  how it stands; --result: a line "result:" and the final JSON behind it
#   breyta-agent attach [--result] ID                  the same; one that nobody supervises any more is supervised again
#   breyta-agent stop [--grace SECONDS] ID             ends it and all of its process group; nothing is reported then
#   breyta-agent log ID | list | rm ID                 its output; all there are; forget one that is over
#   breyta-agent progress TEXT...                      for CMD: says how far it is ("40% copying")
#
# Environment, as an :agent step with :via :ssh sets it:
#   BREYTA_WAIT_KEY        names the wait that is answered; the default of --id
#   BREYTA_CALLBACK_URL    the final JSON is posted there, again and again until it is taken
#   BREYTA_PROGRESS_URL    progress and the end of the log are posted there while CMD runs
#   BREYTA_CALLBACK_TOKEN  the credential of both
#   BREYTA_CALLBACK_AUTH   bearer (default), hmac (base64 in X-Signature), signature (X-Breyta-Signature, X-Breyta-Timestamp), none,
#                          or auto: signature with openssl, else bearer
#   BREYTA_PROGRESS_INTERVAL  seconds between two of them, 5       BREYTA_CALLBACK_MAX_SECONDS  when to give up, 604800
#   BREYTA_KEEP_RUNNING    not empty: CMD goes on when its run is ended by force
#   BREYTA_AGENT_HOME      where states are kept, ~/.local/state/breyta-agent, for 35 days after their end
#   BREYTA_AGENT_LOG_BYTES how much output of CMD is kept, the last of it: 67108864
# CMD finds BREYTA_RESULT_FILE (write JSON there: the "result"), BREYTA_ARTIFACTS_FILE (a JSON array) and BREYTA_PROGRESS_FILE (its last
# line is the progress). It may post to BREYTA_CALLBACK_URL itself: the first answer counts.
#
# A state is a directory. owner.N are symbolic links "PID:TOKEN": who supervises; N+1 is only made when N is seen dead, so there is one
# at a time. CMD is started once: `pid` is written by the process that becomes CMD, before it does. The credential is never written.
set -u
umask 077

home=${BREYTA_AGENT_HOME:-${XDG_STATE_HOME:-${HOME:-/tmp}/.local/state}/breyta-agent}
shell=${BREYTA_AGENT_SHELL:-sh}
tab=$(printf '\t')

die() { # STATUS TEXT
  printf 'breyta-agent: %s\n' "$2" >&2
  exit "$1"
}
nap() { sleep 0.1 2>/dev/null || sleep 1; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# --- processes ---------------------------------------------------------------------------------------------------------------------

# When PID was started, in a form that no later process with that number has; nothing when it is gone.
start_token() { # PID
  if [ -r "/proc/$$/stat" ]; then
    # shellcheck disable=SC2046
    set -- $(sed -n '$s/^.*) //p' "/proc/$1/stat" 2>/dev/null)
    [ $# -ge 20 ] || return 0
    [ "$1" != Z ] || return 0
    shift 19
    printf '%s.%s' "$1" "$(cut -c1-8 /proc/sys/kernel/random/boot_id 2>/dev/null)"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
  fi
}
alive() { # PID TOKEN
  [ -n "$1" ] && [ -n "$2" ] && [ "$(start_token "$1")" = "$2" ]
}
# In a session of its own, for & in front of it: $! is then its process group.
detached() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"
  elif command -v perl >/dev/null 2>&1; then exec perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV or exit 127' "$@"
  else die 69 'this machine has neither setsid nor perl: the command cannot be detached'
  fi
}

# PID and TOKEN of CMD, of its supervisor.
cmd_of() { # DIR
  pid='' token=''
  [ ! -f "$1/pid" ] || read -r pid token < "$1/pid" || :
}
owner_of() { # DIR
  n=0 owner='' owner_token=''
  while [ -L "$1/owner.$((n + 1))" ]; do n=$((n + 1)); done
  [ "$n" -gt 0 ] || return 0
  link=$(readlink "$1/owner.$n") || return 0
  owner=${link%%:*} owner_token=${link#*:}
}
claim() { # DIR: 0 this process supervises now; 1 another one does
  mine=$(start_token $$)
  while :; do
    owner_of "$1"
    ! alive "$owner" "$owner_token" || return 1
    ! ln -s "$$:$mine" "$1/owner.$((n + 1))" 2>/dev/null || return 0
  done
}

# CMD with all of its process group, and for good: one that is about to start sees `stopped`, too.
end_cmd() { # DIR GRACE
  : > "$1/stopped"
  cmd_of "$1"
  alive "$pid" "$token" || return 0
  kill -TERM "-$pid" 2>/dev/null
  end=$(($(date +%s) + $2))
  while kill -0 "-$pid" 2>/dev/null && [ "$(date +%s)" -lt "$end" ]; do nap; done
  kill -KILL "-$pid" 2>/dev/null
  while alive "$pid" "$token"; do nap; done
}

# --- texts -------------------------------------------------------------------------------------------------------------------------

# What comes in, whatever it is, as a JSON string.
json_text() {
  printf '"'
  LC_ALL=C tr -d '\000-\010\013\014\016-\037\177' | utf8 | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" |
    LC_ALL=C tr '\r' ' ' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
  printf '"'
}
utf8() {
  if command -v iconv >/dev/null 2>&1; then iconv -c -f UTF-8 -t UTF-8 2>/dev/null || :
  else LC_ALL=C tr -d '\200-\377'
  fi
}
size_of() { # FILE
  if [ -f "$1" ]; then wc -c < "$1" | tr -d ' '; else echo 0; fi
}

# --- the log -----------------------------------------------------------------------------------------------------------------------
# CMD writes into `log` by itself, whoever lives. When that is long, its end goes to log.1 and it begins anew; what CMD writes between the
# two is lost. `gone` counts the bytes that have been there.

trim_log() { # DIR
  half=$((${BREYTA_AGENT_LOG_BYTES:-67108864} / 2)) long=$(size_of "$1/log")
  [ "$long" -gt "$half" ] || return 0
  tail -c "$half" "$1/log" > "$1/log.new" && mv "$1/log.new" "$1/log.1" && : > "$1/log"
  echo $(($(gone_of "$1") + long)) | put "$1/gone"
}
gone_of() { cat "$1/gone" 2>/dev/null || echo 0; } # DIR
log_bytes() { echo $(($(gone_of "$1") + $(size_of "$1/log"))); } # DIR
log_tail() { { tail -c "$2" "$1/log.1"; tail -c "$2" "$1/log"; } 2>/dev/null | tail -c "$2"; } # DIR BYTES

hex_of() { od -An -v -tx1 | tr -d ' \n'; }
# The two paddings of HMAC (RFC 2104) as octal escapes, so that the key is in no command line.
hmac_pads() { # KEY: $ipad $opad
  k=$(printf %s "$1" | hex_of) ipad='' opad=''
  [ ${#k} -le 128 ] || k=$(printf %s "$1" | openssl dgst -sha256 -binary | hex_of)
  while [ ${#k} -lt 128 ]; do k=${k}00; done
  while [ -n "$k" ]; do
    rest=${k#??}
    b=$((0x${k%"$rest"})) k=$rest
    i=$((b ^ 54)) o=$((b ^ 92))
    ipad="$ipad\\0$((i / 64))$((i / 8 % 8))$((i % 8))" opad="$opad\\0$((o / 64))$((o / 8 % 8))$((o % 8))"
  done
}
hmac() { # KEY; the message comes in, the bytes go out
  hmac_pads "$1"
  { printf %b "$opad"; { printf %b "$ipad"; cat; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary
}

# --- HTTP --------------------------------------------------------------------------------------------------------------------------

auth=''
auth_choose() {
  auth=${BREYTA_CALLBACK_AUTH:-bearer}
  [ -n "${BREYTA_CALLBACK_TOKEN:-}" ] || auth=none
  [ "$auth" != auto ] || if command -v openssl >/dev/null 2>&1; then auth=signature; else auth=bearer; fi
}
# When a signature is not believed, for the clock here may be wrong.
weaker_auth() {
  [ "$auth" = signature ] || return 1
  [ "${BREYTA_CALLBACK_AUTH:-}" = auto ] || return 1
  auth=bearer
}
# Headers as curl's configuration: it comes by standard input, for command lines can be seen by everybody.
auth_headers() { # FILE
  case $auth in
  bearer) printf 'header = "Authorization: Bearer %s"\n' "$(printf %s "$BREYTA_CALLBACK_TOKEN" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g')" ;;
  hmac) printf 'header = "X-Signature: %s"\n' "$(hmac "$BREYTA_CALLBACK_TOKEN" < "$1" | openssl base64 -A)" ;;
  signature)
    at=$(date +%s)
    printf 'header = "X-Breyta-Timestamp: %s"\nheader = "X-Breyta-Signature: v1=%s"\n' "$at" \
      "$({ printf %s "$at"; cat "$1"; } | hmac "$BREYTA_CALLBACK_TOKEN" | hex_of)" ;;
  esac
}
post() { # URL FILE ANSWER: $http, 000 when there was no answer
  http=$(auth_headers "$2" | curl --silent --config - --connect-timeout 10 --max-time "${BREYTA_CALLBACK_TIMEOUT:-30}" \
    --header 'Content-Type: application/json' --header 'Expect:' --output "$3" --write-out '%{http_code}' --data-binary "@$2" "$1" 2>/dev/null) || :
  [ ${#http} = 3 ] || http=000
}

# --- supervising -------------------------------------------------------------------------------------------------------------------

progress_body() { # DIR NUMBER
  line=$(tail -n 1 "$1/progress" 2>/dev/null | cut -c1-1000)
  percent=$(printf %s "$line" | sed -n 's/^ *\([0-9][0-9]*\)%.*$/\1/p')
  printf '{"seq":%d,"at":"%s","logBytes":%d' "$2" "$(now)" "$(log_bytes "$1")"
  [ -z "$percent" ] || { printf ',"percent":%s' "$percent"; line=$(printf %s "$line" | sed 's/^ *[0-9]*% *//'); }
  [ -z "$line" ] || printf ',"message":%s' "$(printf %s "$line" | json_text)"
  printf ',"logTail":%s}' "$(log_tail "$1" 2000 | json_text)"
}
# Beside CMD, in a shell of its own: FUNCTION again and again, until it fails, or there is no supervisor or no state any more.
every() { # SECONDS FUNCTION DIR
  nap_pid=''
  trap '[ -z "$nap_pid" ] || kill "$nap_pid" 2>/dev/null; exit 0' TERM
  while :; do
    sleep "$1" & nap_pid=$!
    wait "$nap_pid"
    [ -d "$3" ] && alive $$ "$mine" && "$2" "$3" || return 0
  done
}
# What did not change is not sent; what is lost is lost, the next one says more. Every half minute it is asked whether anybody still waits:
# who cancels a run with --force leaves it to us to end CMD.
seq=0 told='' asked=0 early=0
report() { # DIR
  seen=$(log_bytes "$1")/$(size_of "$1/progress") at=$(date +%s)
  if [ "$seen" != "$told" ]; then
    seq=$((seq + 1)) told=$seen
    progress_body "$1" "$seq" > "$1/progress.json"
  else
    [ $((at - asked)) -ge "${BREYTA_PROGRESS_QUIET:-30}" ] || return 0
    echo '{}' > "$1/progress.json"
  fi
  asked=$at
  post "$BREYTA_PROGRESS_URL" "$1/progress.json" "$1/progress.answer"
  case $http in
  2* | 000 | 429 | 5*) ;;
  425) # the flow is about to wait; when that takes long, we are perhaps not believed
    told='' early=$((early + 1))
    [ "$early" -lt 3 ] || weaker_auth || : ;;
  401) weaker_auth && told='' ;;
  *) # the wait is over, or wants none
    trap '' TERM # it comes when CMD has ended, and others of its group may still be there
    [ "$http" != 410 ] || [ -n "${BREYTA_KEEP_RUNNING:-}" ] || ! grep -q '"cancelled"' "$1/progress.answer" || end_cmd "$1" 2
    return 1 ;;
  esac
}

file_json() { # FILE TEXT?: what CMD wrote, as it is or as a string
  if [ ! -s "$1" ]; then printf null
  elif [ "$2" = text ]; then json_text < "$1"
  else cat "$1"
  fi
}
final_body() { # DIR EXIT TEXT?
  status=ok error=''
  case $2 in
  0) ;;
  lost) status=failed error='the command and its supervisor died, perhaps with the machine' ;;
  unknown) [ -s "$1/result" ] || { status=failed error='the command ended without a result, and its supervisor had died before'; } ;;
  12[89] | 1[3-9][0-9]) status=failed error="the command was killed by signal $(($2 - 128))" ;;
  *) status=failed error="the command ended with status $2" ;;
  esac
  [ ! -e "$1/stopped" ] || status=cancelled
  printf '{"status":"%s"' "$status"
  case $2 in *[!0-9]*) ;; *) printf ',"exit":%d' "$2" ;; esac
  [ -z "$error" ] || printf ',"error":"%s"' "$error"
  printf ',"result":%s,"artifacts":%s' "$(file_json "$1/result" "$3")" "$(if [ "$3" = text ]; then printf '[]'; else artifacts "$1"; fi)"
  printf ',"startedAt":"%s","finishedAt":"%s","logPath":%s,"logBytes":%d,"logTail":%s}' "$(cat "$1/started" 2>/dev/null)" "$(now)" \
    "$(printf %s "$1/log" | json_text)" "$(log_bytes "$1")" "$(log_tail "$1" 4000 | json_text)"
}
artifacts() { if [ -s "$1/artifacts" ]; then cat "$1/artifacts"; else printf '[]'; fi; }
put() { # FILE; its text comes in. Whole or not at all.
  cat > "$1.new" && mv "$1.new" "$1"
}

# It came before its wait and was kept (202), so nobody has looked at its credential yet: when the wait does not believe it, for the clock here
# may be wrong, nobody is told. Whether somebody still waits tells: false, it is to be sent again.
kept_is_seen() { # DIR
  echo '{}' > "$1/asked.json"
  post "$BREYTA_PROGRESS_URL" "$1/asked.json" "$1/asked.answer"
  case $http in
  2*) return 1 ;;
  401) weaker_auth; return 1 ;;
  425) # the flow is about to wait; or all is over, which is not said to who is not believed
    weaker_auth || :
    [ "$(date +%s)" -ge "$kept" ] ;;
  000 | 429 | 5*) [ "$(date +%s)" -ge "$kept" ] ;; # this server has ended, with the answer on its disk
  *) return 0 ;; # the wait is over
  esac
}
# Until the final JSON is taken, or refused for good, or the state is gone (`rm`).
deliver() { # DIR EXIT
  pause=1 until=$(($(date +%s) + ${BREYTA_CALLBACK_MAX_SECONDS:-604800})) text='' kept='' keep=${BREYTA_CALLBACK_KEPT_SECONDS:-600}
  [ -n "${BREYTA_CALLBACK_URL:-}" ] || { echo none | put "$1/sent"; return; }
  case $(cat "$1/sent" 2>/dev/null) in kept*) kept=$(($(date +%s) + keep)) ;; esac
  while [ -d "$1" ] && [ ! -e "$1/stopped" ]; do
    if [ -n "$kept" ]; then
      if kept_is_seen "$1"; then echo "delivered 202" | put "$1/sent"; return; fi
      case $http in 000 | 425 | 429 | 5*) ;; *) kept='' ;; esac
    else
      post "$BREYTA_CALLBACK_URL" "$1/final.json" "$1/answer"
      case $http in
      2*)
        if grep -q '"kept"' "$1/answer" 2>/dev/null && [ -n "${BREYTA_PROGRESS_URL:-}" ]; then
          kept=$(($(date +%s) + keep))
        elif ! grep -q '"timed-out"' "$1/answer" 2>/dev/null; then # else it may wait again soon
          echo "delivered $http" | put "$1/sent"
          return
        fi ;;
      400) # the result is no JSON: it goes as a text
        [ -z "$text" ] || { echo "refused $http" | put "$1/sent"; return; }
        text=text
        final_body "$1" "$2" text | put "$1/final.json"
        continue ;;
      401 | 403)
        weaker_auth || { echo "refused $http" | put "$1/sent"; return; }
        continue ;;
      405 | 410 | 413 | 415 | 422) echo "refused $http" | put "$1/sent"; return ;;
      esac
    fi
    echo "${kept:+kept and }trying $http" | put "$1/sent"
    [ "$(date +%s)" -lt "$until" ] || { echo "gave-up $http" | put "$1/sent"; return; }
    sleep "$pause"
    pause=$((pause * 2 + $$ % 2))
    [ "$pause" -le "${BREYTA_CALLBACK_MAX_PAUSE:-60}" ] || pause=${BREYTA_CALLBACK_MAX_PAUSE:-60}
  done
}

# Becomes CMD.
child() { # DIR WORKDIR CMD...
  state=$1 workdir=$2
  shift 2
  printf '%s %s\n' $$ "$(start_token $$)" | put "$state/pid"
  [ ! -e "$state/stopped" ] || exit 143
  export BREYTA_RESULT_FILE="$state/result" BREYTA_ARTIFACTS_FILE="$state/artifacts" BREYTA_PROGRESS_FILE="$state/progress"
  cd "$workdir" || exit 126
  exec "$@"
}

supervise() { # DIR WORKDIR CMD...
  state=$1
  trap '' HUP
  claim "$state" || exit 0
  auth_choose
  cmd_of "$state"
  code='' beside=''
  if [ ! -s "$state/final.json" ]; then
    if [ -z "$pid" ]; then
      now > "$state/started"
      shift
      # shellcheck disable=SC2086
      detached $shell "$self" _child "$state" "$@" >> "$state/log" 2>&1 < /dev/null &
      job=$!
    else
      job=''
    fi
    every 5 trim_log "$state" & trims=$!
    [ -z "${BREYTA_PROGRESS_URL:-}" ] || { every "${BREYTA_PROGRESS_INTERVAL:-5}" report "$state" & beside=$!; }
    if [ -n "$job" ]; then
      wait "$job"
      code=$?
    elif alive "$pid" "$token"; then
      while alive "$pid" "$token"; do sleep 1; done
      code=unknown
    else
      code=lost
    fi
    [ -z "$beside" ] || kill "$beside" 2>/dev/null
    kill "$trims" 2>/dev/null
    wait "$trims"
    trim_log "$state"
    printf '%s\n' "$code" | put "$state/exit"
    final_body "$state" "$code" '' | put "$state/final.json"
  fi
  case $(cat "$state/sent" 2>/dev/null) in delivered* | refused* | none) exit 0 ;; esac
  [ -n "$code" ] || code=$(cat "$state/exit" 2>/dev/null)
  deliver "$state" "$code"
}

# --- what people and flows ask -------------------------------------------------------------------------------------------------------

state_of() { # DIR: one word
  cmd_of "$1"
  owner_of "$1"
  if [ -e "$1/stopped" ] && ! alive "$pid" "$token"; then echo stopped
  elif [ -s "$1/final.json" ]; then echo finished
  elif alive "$owner" "$owner_token"; then if [ -n "$pid" ]; then echo running; else echo starting; fi
  elif alive "$pid" "$token"; then echo unsupervised
  elif [ -n "$pid" ]; then echo lost
  else echo absent
  fi
}
say() { # ID [attached]
  printf 'id=%s\nstate=%s\n' "$1" "$(state_of "$home/$1")"
  cmd_of "$home/$1"
  [ -z "$pid" ] || printf 'pid=%s\ntoken=%s\n' "$pid" "$token"
  printf 'log=%s\n' "$home/$1/log"
  [ ! -s "$home/$1/exit" ] || printf 'exit=%s\n' "$(cat "$home/$1/exit")"
  [ ! -s "$home/$1/sent" ] || printf 'sent=%s\n' "$(cat "$home/$1/sent")"
  [ $# -lt 2 ] || printf 'attached=true\n'
}
# A name of a directory; what cannot be one is replaced, and the checksum keeps names apart.
id_for() { # TEXT
  clean=$(printf %s "$1" | LC_ALL=C tr -c 'A-Za-z0-9._-' '_' | cut -c1-120)
  case $clean in [.]* | -*) clean=_$clean ;; esac
  [ "$clean" = "$1" ] || clean=$clean-$(printf %s "$1" | cksum | cut -d' ' -f1)
  printf %s "$clean"
}
named() { # ID
  [ $# = 1 ] || set -- ''
  [ -n "$1" ] || die 64 'which one? breyta-agent list names them'
  id=$(id_for "$1")
}
known() { # ID
  named "$@"
  [ -d "$home/$id" ] || die 66 "there is no $1 here; breyta-agent list names what there is"
}

# Sees to it that $id has a supervisor, if it is not over, and waits until it is known how it stands. One that is killed meanwhile is
# replaced.
watched() { # WORKDIR CMD...
  tries=0 spawned=0 last=''
  while [ "$tries" -lt 100 ]; do
    case $(state_of "$home/$id") in
    running | stopped) return ;;
    finished)
      case $(cat "$home/$id/sent" 2>/dev/null) in
      delivered* | refused* | none) ;;
      *) [ "$spawned" -gt 0 ] || supervised "$@" ;; # it may be that nobody delivers it any more
      esac
      return ;;
    starting) ;;
    *)
      if [ -z "$last" ] || [ -z "$(start_token "$last")" ]; then
        [ "$spawned" -lt 5 ] || return
        supervised "$@"
      fi ;;
    esac
    tries=$((tries + 1))
    nap
  done
}
supervised() { # WORKDIR CMD...
  # shellcheck disable=SC2086
  detached $shell "$self" _supervise "$home/$id" "$@" >> "$home/$id/supervisor.log" 2>&1 < /dev/null &
  last=$! spawned=$((spawned + 1))
}

cmd_run() {
  id=${BREYTA_WAIT_KEY:-} workdir=$PWD
  while [ $# -gt 0 ]; do
    case $1 in
    --id) [ $# -gt 1 ] || die 64 '--id takes a name'; id=$2; shift 2 ;;
    --dir) [ $# -gt 1 ] || die 64 '--dir takes a directory'; workdir=$2; shift 2 ;;
    --) shift; break ;;
    -*) die 64 "run has no option $1: breyta-agent run [--id ID] [--dir DIR] -- CMD..." ;;
    *) break ;;
    esac
  done
  [ $# -gt 0 ] || die 64 'run what? breyta-agent run [--id ID] [--dir DIR] -- CMD...'
  [ -d "$workdir" ] || die 66 "there is no directory $workdir"
  command -v curl >/dev/null 2>&1 || [ -z "${BREYTA_CALLBACK_URL:-}${BREYTA_PROGRESS_URL:-}" ] || die 69 'this machine has no curl: results cannot be sent'
  [ -n "$id" ] || id=$(date -u +%Y%m%d-%H%M%S)-$$
  id=$(id_for "$id")
  mkdir -p "$home" || die 73 "$home cannot be made"
  forget_old
  attached=''
  mkdir "$home/$id" 2>/dev/null || attached=attached
  [ -d "$home/$id" ] || die 73 "$home/$id cannot be made"
  watched "$workdir" "$@"
  case $(state_of "$home/$id") in
  absent | starting) die 75 "$(tail -n 1 "$home/$id/supervisor.log" 2>/dev/null | grep . || echo 'it did not start in time')" ;;
  esac
  # shellcheck disable=SC2086
  say "$id" $attached
}

cmd_status() { # attach|status [--result] ID
  what=$1 with=''
  shift
  [ "${1:-}" != --result ] || { with=1; shift; }
  known "$@"
  case $what.$(state_of "$home/$id") in attach.absent) ;; attach.*) watched / ;; esac
  say "$id"
  [ -z "$with" ] || [ ! -s "$home/$id/final.json" ] || { printf 'result:\n'; cat "$home/$id/final.json"; }
}

cmd_stop() {
  grace=3
  [ "${1:-}" != --grace ] || { grace=${2:-3}; shift 2; }
  named "$@"
  mkdir -p "$home/$id" || die 73 "$home/$id cannot be made"
  end_cmd "$home/$id" "$grace"
  say "$id"
}

cmd_list() {
  for dir in "$home"/*/; do
    dir=${dir%/}
    [ "${dir##*/}" = bin ] || [ ! -d "$dir" ] || printf '%-12s %s\n' "$(state_of "$dir")" "${dir##*/}"
  done
}

# No wait lasts longer than 30 days: nobody asks for what was over before.
forget_old() {
  find "$home" \( -name sent -o -name stopped \) -mtime +35 2>/dev/null | while read -r file; do
    dir=${file%/*}
    case ${dir%/*}:$(state_of "$dir") in "$home":finished | "$home":stopped) rm -rf "${dir:?}" ;; esac
  done
}
cmd_rm() {
  known "$@"
  case $(state_of "$home/$id") in running | unsupervised | starting) die 75 "$1 runs: breyta-agent stop $1 ends it" ;; esac
  rm -rf "${home:?}/$id"
}

usage() { sed -n '2,/^# A state/s/^# \{0,1\}//p' "$self" | sed '$d'; }

self=$0
case $self in /*) ;; *) self=$(command -v "$0" 2>/dev/null || echo "$0"); case $self in /*) ;; *) self=$PWD/$self ;; esac ;; esac
what=${1:-help}
[ $# = 0 ] || shift
case $what in
run) cmd_run "$@" ;;
status | attach) cmd_status "$what" "$@" ;;
stop) cmd_stop "$@" ;;
list) cmd_list ;;
rm) cmd_rm "$@" ;;
log) known "$@"; cat "$home/$id/log.1" "$home/$id/log" 2>/dev/null || : ;;
progress)
  [ -n "${BREYTA_PROGRESS_FILE:-}" ] || die 64 'progress is for commands that breyta-agent runs: BREYTA_PROGRESS_FILE is not set'
  printf '%s\n' "$*" >> "$BREYTA_PROGRESS_FILE" ;;
_supervise) supervise "$@" ;;
_child) child "$@" ;;
help | --help | -h) usage ;;
*) die 64 "there is no command $what: run, status, attach, stop, log, list, rm, progress" ;;
esac
