load help
# The :job step from the shell: its own store, what is refused, parking, and a server that goes on. What workers and the API see of it:
# tests/api/test_jobs.py.

one() { # STEP EXPECTED: the value of one step form
  flow o "$1"
  br o.edn --db o.db
  want 0 "$2"
}
bad() { # OPTIONS TEXT...: what the step says when it runs
  flow b "(flow/step :job :w (merge {} (quote $1)))"
  br b.edn --db b.db
  [ "$st" = 1 ] || { echo "$1: status $st $out" >&2; return 1; }
  says "step :w: "
  shift
  for t; do says "$t"; done
}

@test ":submit and :get: the job with its fields; :submit-batch and :get-batch: counts, jobs, :include-jobs?, :limit" {
  one '(let [q (flow/step :job :s {:op :submit :job-type :review :payload {:a [1 nil]} :metadata {:m 1} :max-attempts 7 :priority 4})
             g (flow/step :job :g {:op :get :job-id (:job-id q)})]
         (mapv (juxt :job-type :status :attempt :max-attempts :priority :payload :metadata) [q g]))' \
    '[["review" "queued" 0 7 4 {:a [1 nil]} {:m 1}] ["review" "queued" 0 7 4 {:a [1 nil]} {:m 1}]]'
  one '(let [q (flow/step :job :s {:op :submit-batch :job-type "b" :metadata {:c 1} :jobs [{:payload 1} {:payload 2 :metadata {:x 1} :priority 3} {}]})
             g (flow/step :job :g {:op :get-batch :batch-id (:batch-id q)})
             w (flow/step :job :w {:op :get-batch :batch-id (:batch-id q) :include-jobs? true :limit 2})]
         [(count (:jobs q)) (:status q) (:queued-count g) (:requested-count g) (:metadata g) (:jobs g) (mapv :payload (:jobs w))])' \
    '[3 "queued" 3 3 {:c 1} nil [1 2]]'
}
@test ":delay: the job says when it may be taken; :max-concurrency is of the batch" {
  one '(let [q (flow/step :job :s {:op :submit :job-type "d" :delay "1h"})] [(:status q) (some? (:run-at q))])' '["queued" true]'
  one '(:fanout-max-concurrency (flow/step :job :s {:op :submit-batch :job-type "d" :max-concurrency 2 :jobs [{} {} {}]}))' 2
}
@test "wrong values: what, where, what would work" {
  bad '{:op :steal}' ":op is :steal" ":submit-batch"
  bad '{:op :submit}' ":op :submit needs :job-type"
  bad '{:op :submit :job-type ""}' ":job-type is" "1 to 200 bytes"
  bad '{:op :submit :job-type "t" :max-attempts 0}' ":max-attempts is 0" "1 to 1000"
  bad '{:op :submit :job-type "t" :priority "high"}' ":priority is" "integer"
  bad '{:op :submit :job-type "t" :delay "soon"}' ":delay"
  bad '{:op :submit :job-type "t" :metadata [1]}' ":metadata is [1]" "map"
  bad '{:op :submit-batch :job-type "t" :jobs []}' ":jobs is []" "1 to 100000"
  bad '{:op :submit-batch :job-type "t" :jobs [1]}' "an entry of :jobs is 1"
  bad '{:op :submit-batch :job-type "t" :jobs [{:max-attempts -1}]}' ":max-attempts is -1"
  bad '{:op :submit-batch :job-type "t" :jobs [{}] :max-concurrency 0}' ":max-concurrency is 0"
  bad '{:op :await}' ":op :await needs :job-id"
  bad '{:op :await :job-id "j" :interval "x"}' ":interval"
  bad '{:op :await :job-id "j" :timeout "x"}' ":timeout"
  bad '{:op :await :job-id "j" :backoff {:type :wild}}' ":type"
  bad '{:op :await :job-id "j" :max-attempts 0}' ":max-attempts is 0"
  bad '{:op :get-batch :batch-id "b" :limit 0}' ":limit is 0"
  bad '{:op :submit :job-type "t" :persist {:type :blob}}' ":persist"
  flow m '(try (flow/step :job :g {:op :get :job-id "job-9-x"}) (catch Exception e (:type (ex-data e))))'
  br m.edn; want 0 ":not-found"
}
@test "a definition is checked: an unknown option, a wrong :op, a worker requirement" {
  flow l '(flow/step :job :s {:op :submitt :job-type "t" :priorty 1})'
  br lint l.edn
  [ "$st" != 0 ]
  [[ $out = *":op"*submit-batch* ]]
  [[ $out = *priorty* ]]
  flow n '(flow/step :job :s {:op :await-batch :job-id "x" :payload 1})'
  br lint n.edn
  [ "$st" != 0 ]
  [[ $out = *":op :await-batch needs :batch-id"* ]]
  [[ $out = *":payload means nothing to :op :await-batch"* ]]
  for r in '{:kind :worker}' '{:kind :worker :job-type ""}' '{:kind :worker :job-type "t" :label 1}' '{:kind :worker :job-type "t" :optional "no"}'; do
    flow r 1
    sed -i "s/:slug :r/:requires [$r] :slug :r/" r.edn
    br lint r.edn; [ "$st" != 0 ] || { echo "$r passed" >&2; return 1; }
    [[ $out = *worker* ]]
  done
}
@test ":await parks: exit status 3, what it waits for, which server and worker; a job is there once, also after kill -9" {
  flow p '(let [q (flow/step :job :s {:op :submit :job-type "p" :payload 1})] (:status (flow/step :job :a {:op :await :job-id (:job-id q)})))'
  mkdir d
  br p.edn --db d/breyta.db --run-id p; want 3 ""
  says "step :a waits for job-"; says "breyta serve --data d --workspace local"; says "breyta jobs worker run --type p"
  br resume p --db d/breyta.db; want 3 ""
  br show p --db d/breyta.db; [ "$st" = 0 ]; [[ $out = *waiting* ]]
  [ "$(sqlite3 d/breyta.db 'select count(*) from jobs' 2>/dev/null || python3 -c 'import sqlite3; print(sqlite3.connect("d/breyta.db").execute("select count(*) from jobs").fetchone()[0])')" = 1 ]
}
@test ":await: :timeout, :interval, :max-attempts and :backoff say until when it waits" {
  till() { # OPTIONS SECONDS
    flow u "(let [q (flow/step :job :s {:op :submit :job-type \"u\"})] (flow/step :job :a (assoc (quote $1) :op :await :job-id (:job-id q))))"
    local begin=$(date +%s) until
    br u.edn --db u.db; want 3 ""
    until=$(sed -n 's/^step :a waits for .* until \(.*\)$/\1/p' <<<"$err")
    local late=$(($(date -d "$until" +%s) - begin - $2))
    [ "$late" -ge 0 ] && [ "$late" -le 20 ] && return
    echo "$1: $late s off: $until" >&2
    return 1
  }
  till '{}' 1800
  till '{:timeout "1h"}' 3600
  till '{:timeout 7200000}' 7200
  till '{:interval "10m" :max-attempts 4}' 1800
  till '{:interval "10m" :max-attempts 4 :backoff {:type :linear}}' 3600
  till '{:max-attempts 4 :backoff {:type :exponential :interval "10m" :factor 3}}' 7800
  till '{:interval "10m" :max-attempts 4 :timeout "5m"}' 300
}
@test "cancel: a run that waits for its jobs takes them with it" {
  flow c '(let [q (flow/step :job :s {:op :submit-batch :job-type "c" :jobs [{} {}]})] (flow/step :job :a {:op :await-batch :batch-id (:batch-id q)}))'
  br c.edn --db c.db --run-id c; want 3 ""
  br cancel c --db c.db; [ "$st" = 0 ]
  br resume c --db c.db
  [ "$(python3 -c 'import sqlite3; print(sqlite3.connect("c.db").execute("select group_concat(phase) from jobs").fetchone()[0])')" = "9,9" ]
}
