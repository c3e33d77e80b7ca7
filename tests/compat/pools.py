"""Values by kind, as text: borders, odd shapes, and what people use every day. Each is one form without effects."""

NIL = ["nil"]
BOOL = ["true", "false"]
SMALL = "0 1 2 3 4 5 7 10 -1 -2 -7".split()
INT = SMALL + """16 31 32 33 63 64 -64 100 127 128 -128 255 256 1000 65535 2147483647 2147483648 -2147483648 -2147483649 4294967296
4611686018427387903 4611686018427387904 -4611686018427387904 -4611686018427387905 9223372036854775807 -9223372036854775808
9007199254740993""".split()
BIG = "0N 1N -1N 2N 10N 9223372036854775807N 9223372036854775808N -9223372036854775809N 18446744073709551616N 123456789012345678901234567890N".split()
RATIO = "1/2 -1/2 1/3 -1/3 2/3 22/7 3/2 5/2 -7/2 1/1000 123456789012345678901/7".split()
DEC = "0M 0.0M 0.00M 1M 1.0M 1.10M -2.5M 2.5M 0.1M 1E+3M 1E-3M 1E-10M 100M 123456.789M 12345678901234567890.123456789M 3M 1e20M -0.05M".split()
DBL = """0.0 -0.0 1.0 -1.0 1.5 -2.5 2.5 3.5 0.5 0.1 0.3 1e10 1e21 1e-7 1e-3 1e7 9999999.0 123456789.125 1.7976931348623157E308 4.9E-324
2.2250738585072014E-308 ##Inf ##-Inf ##NaN 2147483648.0 9.223372036854775807E18 1e300 100.0 3.14159""".split()
NUM = SMALL * 2 + INT + BIG + RATIO + DEC + DBL
STR = ['""', '"a"', '"abc"', '"A"', '"Hello World"', '"héllo"', '"日本語"', '"e\\u0301"', '"a,b,,c"', '"a,b,,"', '" x "', '"1"', '"-5"', '"3.14"', '"\\n"',
       '"a\\nb\\r\\nc"', '"%d"', '"$1"', '"\\\\"', '"true"', '"nil"', '":a"', '"ß"', '"aaa"', '"abcabc"', '"foo/bar"', '"[1 2"', '"{:a 1}"', '"b"', '"ǅ"',
       '"ABC def"', '"\\t tab"', '"12abc34"', '"\\u00a0x\\u2003"', '"1e3"', '"0x1F"', '"1/2"', '"+7"', '"ΑΣ"', '"\\""', '"😀b"']
CHAR = ["\\a", "\\A", "\\z", "\\space", "\\newline", "\\0", "\\é", "\\u03bb", "\\\\", "\\\"", "\\ß", "\\9", "\\,", "\\tab"]
KW = ":a :b :c :d :a/b :n/k :x :else :k1 :foo.bar/baz".split()
SYM = ["'a", "'b", "'a/b", "'x", "'foo.bar/baz", "'+", "'nil?", "'clojure.core/inc"]
MISC = ['#uuid "00000000-0000-0001-0000-000000000002"', '#inst "2020-02-29T12:34:56.789Z"', '(first {:a 1})', "String", "Long", "##NaN", "(ex-info \"m\" {:a 1})"]
REGEX = ['#"a"', '#"\\d+"', '#"(\\w)(\\d)?"', '#""', '#",\\s*"', '#"[aeiou]"', '#"(?i)B"', '#"."', '#"b|c"', '#"\\s+"', '#"(a)(b)(c)"', '#"^a"', '#"$"']
VEC = ["[]", "[1]", "[1 2 3]", "[3 1 2]", "[nil]", "[:a :b]", "[[1 2] [3 4]]", "[:a 1]", "(vec (range 33))", "(subvec [1 2 3 4 5] 1 4)", '["b" "a"]', "[1 1 2 2 1]", "[1 2.0 3N]",
       "[\\b \\a]", "[[:a 1] [:b 2]]", "[#{1} {:a 1}]", "(vec (range 70))", "[0 0.0 -0.0]", "[nil false]", "(with-meta [1] {:m 1})", "(mapv identity [1 2])", "[1 [2 [3 [4]]]]"]
LIST = ["()", "'(1)", "'(1 2 3)", "'(a b)", "(list nil)", "(list 3 1 2)", "'((1 2) (3 4))", "(list :a 1)", "(conj () 1)", "'(:a 1 :b 2)", "(with-meta '(1) {:m 1})"]
LAZY = ["(map inc [1 2 3])", "(range 5)", "(range 0)", "(range 40)", "(lazy-seq nil)", "(lazy-seq [1 2])", "(filter odd? (range 10))", "(repeat 3 :x)", "(take 3 (iterate inc 1))", '(seq "abc")',
        "(seq {:a 1})", "(keys {:a 1 :b 2})", "(vals {:a 1 :b 2})", "(rest [1])", "(rest [1 2 3])", "(cons 1 nil)", "(cons 1 [2 3])", "(rseq [1 2 3])", "(concat [1] [2])", "(seq [1 2])",
        "(seq (range 3))", "(next [1 2 3])", "(range 0 1 0.25)", "(range 10 0 -3)", "(drop 30 (range 40))", "(seq #{1 2})", "(map vector [1 2] [:a :b])", "(take-while pos? [1 2 0])",
        "(partition 2 (range 5))", "(sort [3 1 2])", "(reverse [1 2 3])", "(rest (range 3))", "(interleave [1 2] [:a :b])", "(seq (sorted-map 1 2))", "(eduction (map inc) [1 2])", "(rseq (sorted-map 1 2 3 4))"]
MAP = ["{}", "{:a 1}", "{:a 1 :b 2}", "{1 2}", "{nil 1}", "{:a nil}", "(zipmap (range 10) (range 10))", "(array-map :b 1 :a 2)", "(hash-map :a 1 :b 2)", "(sorted-map)", "(sorted-map :b 1 :a 2)",
       "(sorted-map-by > 1 :a 2 :b)", "{:a {:b {:c 1}}}", '{"a" 1}', "{[1] 2}", "{:a [1 2] :b #{3}}", "(zipmap [:a :b :c :d :e :f :g :h :i] (range))", "{'a 1}", "{1.0 :x 1 :y}", "{:x 1 :y {:z [1 {:w 2}]}}",
       "(with-meta {:a 1} {:m 1})", "{\\a 1}", "{:n/k 1 :n/j 2}", "(dissoc {:a 1 :b 2} :a)", "(into {} (map (juxt identity inc) (range 20)))"]
SET = ["#{}", "#{1}", "#{1 2 3}", "#{:a :b}", "#{nil}", "(sorted-set)", "(sorted-set 3 1 2)", "(sorted-set-by > 1 2 3)", "(hash-set :a 1)", "(set (range 10))", "#{[1] {:a 1}}", "#{1 1.0 1N}"[:8] + "}", "#{\"a\"}", "(with-meta #{1} {:m 1})"]
XREL = ["#{{:a 1 :b 2} {:a 2 :b 3}}", "#{{:a 1 :c 2} {:a 3 :c 3}}", "#{{:b 2}}"]
FN1 = ["inc", "dec", "identity", "even?", "odd?", "pos?", "str", "first", "count", "vector", "list", "nil?", "number?", "-", "not", "keyword", "(fn [x] x)", "#(* % 2)", "(constantly 1)", ":a",
       "{:a 1}", "#{1 2}", "(comp inc inc)", "(partial + 1)", "name", "seq", "rest", "char?", "string?", "type", "(complement nil?)", "'a", "[10 20 30]", "juxt", "(juxt identity str)", "keyword?", "some?", "#(mod % 3)", "reduced", "key", "val"]
FN2 = ["+", "-", "*", "conj", "vector", "str", "=", "<", ">", "compare", "max", "min", "list", "cons", "(fn [a b] b)", "(fn [a b] (reduced a))", "get", "merge", "into", "concat", "assoc", "(completing conj)", "(comp - compare)", "quot", "(fn [& xs] (vec xs))", "map", "union"[:0] or "mod"]
FN0 = ["(constantly 1)", "vector", "list", "+", "str", "hash-map", "(fn [] :x)"]
XF = ["(map inc)", "(filter odd?)", "(take 2)", "(drop 1)", "(partition-all 2)", "(dedupe)", "cat", "(mapcat list)", "(comp (map inc) (filter even?))", "(take-while pos?)", "(keep identity)", "(distinct)", "(map-indexed vector)",
      "(partition-by odd?)", "(remove nil?)", "(interpose :x)", "(take-nth 2)", "(drop-while pos?)", "(halt-when neg?)", "(replace {1 :one})", "(keep-indexed vector)", "(random-sample 1.0)"]
RF = ["conj", "+", "(completing conj)", "str", "(fn ([] []) ([a] a) ([a x] (conj a x)))", "max"]
PATH = ["[:a]", "[:a :b]", "[]", "[0]", "[:x]", "[0 0]", "nil", "[:a :b :c]", "'(:a)"]
BIND = ["(atom 1)", "(atom nil)", "(atom {})", "(volatile! 1)", "(delay 1)", "(reduced 1)", "(transient [1 2])", "(transient {})", "(transient #{})"]

COLL = VEC + LIST + LAZY + MAP + SET + STR[:6] + NIL
ANY = NUM + STR + CHAR + KW * 2 + SYM + MISC + COLL + NIL * 4 + BOOL * 4 + REGEX[:3] + FN1[:5] + BIND[:5]
KINDS = dict(any=ANY, nil=NIL, bool=BOOL, small=SMALL, int=INT, num=NUM, str=STR, char=CHAR, kw=KW, sym=SYM, regex=REGEX, vec=VEC, list=LIST, lazy=LAZY, map=MAP, set=SET, xrel=XREL,
             fn1=FN1, fn2=FN2, fn0=FN0, xf=XF, rf=RF, path=PATH, coll=COLL, cell=BIND, meta=["{:a 1}", "{}", "nil", "{:type :t}", "{:a 1 :b {:c [1]}}"], key=KW + SMALL + STR[:4] + NIL, dbl=DBL, dec=DEC, ratio=RATIO, big=BIG)
