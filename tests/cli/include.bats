load help

has() { [[ $out = *"$1"* ]] || { printf 'no %s in: %s\nstderr: %s\n' "$1" "$out" "$err" >&2; return 1; }; }

@test "include: anywhere a form may stand, nested, of any number of forms; lint, check, test, replay and fork know it" {
  mkdir -p lib/deep
  echo '(fn [x] (* 2 (:n x))) ; doubles' > lib/double.clj
  printf '{:id :double :language :clojure :code (quote #flow/include "double.clj")}' > lib/functions.edn
  printf '1 2\n;; three\n3' > lib/deep/numbers.edn
  flow t '[(flow/step :function :d {:ref :double :input {:n 21}}) [#flow/include "lib/deep/numbers.edn"] #flow/include "lib/deep/map.edn"]' '#flow/include "lib/functions.edn"'
  echo '{:a #flow/include "../deep/one.edn", :b 2}' > lib/deep/map.edn
  printf 1 > lib/deep/one.edn
  br t.edn --run-id r; want 0 '[42 [1 2 3] {:a 1, :b 2}]'
  br lint t.edn; want 0 ""
  br check t.edn; want 0 ""
  echo '{:cases [{:name "doubles" :expect {:result [42 [1 2 3] {:a 1 :b 2}]}}]}' > t.test.edn
  br test t.test.edn; [ "$st" = 0 ] || { echo "$out $err"; false; }
  rm -r lib
  br replay r; [ "$st" = 0 ]
  br fork r 1 --run-id r2; want 0 '[42 [1 2 3] {:a 1, :b 2}]'
}
@test "include: a run goes on without the files; the stored source is the expanded text" {
  mkdir lib
  echo '(do (flow/step :wait :w {:key "k"}) (inc 41))' > lib/body.clj
  flow t '#flow/include "lib/body.clj"'
  br t.edn --run-id r; [ "$st" = 3 ]
  rm -r lib t.edn
  br send k '{}'; [ "$st" = 0 ]
  br resume r; want 0 42
}
@test "include: not in strings, comments, regexes, characters, discards" {
  flow t '["#flow/include \"no.clj\"" (count (str #"#flow/include ..")) \# \; #_ #flow/include "no.clj" 1 ; #flow/include "no.clj"
           #_ #_ [#flow/include "no.clj"] {:a #flow/include
"no.clj"} 2 #_ (a #flow/include "no.clj") \" 3]'
  sed -i 's/^"no.clj"} 2/ 1} 2/; s/{:a #flow\/include$/{:a/' t.edn
  br t.edn; want 0 '["#flow/include \"no.clj\"" 16 \# \; 1 2 \" 3]'
}
@test "include: errors name file, line and column" {
  mkdir -p lib other
  bad() { # bad INCLUDE MESSAGE
    flow t "[1 $1]"
    br t.edn; want 2 ""; says "$2"; says "t.edn:7:18: error [flow_include_invalid]"; says "nothing was run"
    br lint t.edn; [ "$st" = 1 ]; has "flow_include_invalid"
  }
  bad '#flow/include "none.clj"' 'No such file'
  bad '#flow/include "/etc/passwd"' 'absolute path'
  bad '#flow/include "../no-such-folder/x.clj"' 'cannot include'
  bad '#flow/include ""' 'empty'
  bad '#flow/include lib/x.clj' 'takes a path in quotes'
  bad '#flow/include' 'takes a path in quotes'
  bad '#flow/include "lib"' 'no regular file'
  bad '#flow/include "a
b"' 'No such file'
  mkfifo lib/pipe
  bad '#flow/include "lib/pipe"' 'no regular file'
}
@test "include: nothing outside of the flow's folder, also through links; links inside are fine" {
  mkdir -p flow/lib secret
  echo 42 > secret/x.edn
  echo 7 > flow/lib/y.edn
  cd flow
  flow t '[#flow/include "../secret/x.edn"]'
  br t.edn; want 2 ""; says "outside of the folder of the flow"
  ln -s ../secret/x.edn link.edn; ln -s ../secret linked; ln -s lib/y.edn fine.edn
  flow t '[#flow/include "link.edn"]'
  br t.edn; want 2 ""; says "outside of the folder of the flow"
  flow t '[#flow/include "linked/x.edn"]'
  br t.edn; want 2 ""; says "outside of the folder of the flow"
  flow t '[#flow/include "fine.edn" #flow/include "lib/../lib/./y.edn"]'
  br t.edn; want 0 '[7 7]'
  cd ..
  br flow/t.edn; want 0 '[7 7]'
}
@test "include: circles, also through links and the flow itself; too deep; too much" {
  echo '#flow/include "b.edn"' > a.edn; echo '[1 #flow/include "a.edn"]' > b.edn
  flow t '#flow/include "a.edn"'
  br t.edn; want 2 ""; says "goes in circles"; says "b.edn:1:4: error"
  ln -s b.edn c.edn; echo '[1 #flow/include "c.edn"]' > b.edn
  br t.edn; want 2 ""; says "goes in circles"
  flow t '[#flow/include "t.edn"]'
  br t.edn; want 2 ""; says "goes in circles"
  for i in $(seq 1 40); do echo "#flow/include \"n$((i + 1)).edn\"" > n$i.edn; done
  echo 1 > n41.edn
  flow t '#flow/include "n1.edn"'
  br t.edn; want 2 ""; says "nested more than 32 deep"
  for i in $(seq 1 30); do echo "#flow/include \"n$((i + 1)).edn\" #flow/include \"n$((i + 1)).edn\"" > n$i.edn; done
  : > n31.edn
  flow t '[#flow/include "n1.edn"]'
  br t.edn; want 2 ""; says "16 MiB"
}
@test "include: diagnostics stand where people edit: in the included file, and behind it in the flow" {
  mkdir lib
  printf '[1\n   (flow/step :http :x {:url 7})]' > lib/part.clj
  flow t '[#flow/include "lib/part.clj" (flow/step :nosuch :y {})
  (flow/step :kv :z {})]'
  br t.edn; want 2 ""
  says "lib/part.clj:2:30: error [flow_step_option_invalid]"; says "t.edn:7:56: "; says "t.edn:8:"
  printf '[1 (' > lib/part.clj
  br t.edn; want 2 ""; says "[clojure_delimiters_invalid]"
  mkdir sub; cd sub; mkdir lib; printf '(nosuch 1)' > lib/part.clj; flow t '#flow/include "lib/part.clj"'; cd ..
  br sub/t.edn; [ "$st" = 2 ]; says "sub/lib/part.clj:1:2: error"
}
@test "include: where a run fails stands in the included file, also after a restart, in show, and behind the include in the flow" {
  mkdir -p sub/lib
  printf '(fn [x]\n  (let [y (:n x)]\n    (inc (throw (ex-info "oh" {:a 1})))))' > sub/lib/f.clj
  printf '(do\n (flow/step :kv :z {:operation :get :key "a"})\n (flow/step :wait :w {:key "k"})\n   (assoc 5 :a 1))' > sub/lib/body.clj
  cd sub
  flow t '(let [a (try (flow/step :function :d {:ref :f :input {:n 21}}) (catch Exception e (:trace (ex-data e))))]
    [a (if (:late (flow/input)) 1 #flow/include "lib/body.clj")   (throw (ex-info a {}))])' '{:id :f :language :clojure :code (quote #flow/include "lib/f.clj")}'
  cd ..
  br sub/t.edn --run-id r; [ "$st" = 3 ]
  br show r --step 2; [[ $out = *"flow  sub/lib/body.clj:2:2"* ]]
  br send k '{}'
  mv sub gone # the stored text tells it
  br resume r; [ "$st" = 1 ]; says "at user/eval (sub/lib/body.clj:4:4)"
  br show r --format json; has '"trace":"  at user/eval (sub/lib/body.clj:4:4)'; has 'at user/fn (sub/lib/f.clj:3:10)'
  mv gone sub
  br sub/t.edn --run-id late --input '{"late": true}'; [ "$st" = 1 ]; says "at user/fn (sub/lib/f.clj:3:10)"; says "at user/eval (sub/t.edn:8:67)"
  br show r --step 1 --format json; has '"file":"sub/t.edn"'
}
